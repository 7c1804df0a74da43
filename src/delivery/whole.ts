import type { RenderedAnswer, AnswerText } from '../dialects/dialect'
import type { StoredImage } from '../image/record'
import { describe, log } from '../runtime/log'
import { base64Length } from '../streams/base64'
import { ClientStream } from './client-stream'
import type { OpenPicture } from './open-picture'

/** An answer that is ready to be sent. Its first image is open; the others are opened while it is sent. */
export interface Ready {
  contentType: string
  /** The body of a whole response, with a known length; `opening` precedes it. */
  body: (opening: string) => BodyInit
  /** Throws when an image is no longer kept, or the client has gone. */
  write: (client: ClientStream) => Promise<void>
}

/**
 * Makes an answer ready; undefined when its first image is missing. `onMissing` receives the key of any other missing
 * image, and writing stops there.
 */
export async function ready(
  { contentType, parts }: RenderedAnswer,
  open: OpenPicture,
  onMissing: (key: string) => Promise<unknown>,
): Promise<Ready | undefined> {
  const encoder = new TextEncoder()
  const firstImage = parts.find((part) => typeof part === 'object')
  if (!firstImage) {
    const text = (): string => parts.map((part) => (typeof part === 'object' ? '' : textOf(part))).join('')
    return { contentType, body: (opening) => opening + text(), write: (client) => client.write(encoder.encode(text())) }
  }
  let first = await open(firstImage)
  if (!first) return undefined
  const writeImage = async (image: StoredImage, client: ClientStream): Promise<void> => {
    // An answer may hold the same image twice.
    const opened = (image === firstImage && first) || (await open(image))
    if (image === firstImage) first = undefined
    if (opened) return await opened(client)
    await onMissing(image.key)
    throw new Error(`the image ${image.key} is missing`)
  }
  const encoded = (): Encoded[] => parts.map((part) => (typeof part === 'object' ? part : encoder.encode(textOf(part))))
  const body = (opening: string): ReadableStream => {
    const all = [encoder.encode(opening), ...encoded()]
    return streamOf(lengthOf(all), (client) => write(all, client, writeImage))
  }
  return { contentType, body, write: (client) => write(encoded(), client, writeImage) }
}

const textOf = (text: AnswerText): string => (typeof text === 'function' ? text() : text)

type Encoded = Uint8Array | StoredImage

const lengthOf = (parts: readonly Encoded[]): number =>
  parts.reduce((sum, part) => sum + (part instanceof Uint8Array ? part.length : base64Length(part.bytes)), 0)

async function write(
  parts: readonly Encoded[],
  client: ClientStream,
  writeImage: (image: StoredImage, client: ClientStream) => Promise<void>,
): Promise<void> {
  for (const part of parts) {
    if (!(part instanceof Uint8Array)) await writeImage(part, client)
    else if (part.length > 0) await client.write(part)
  }
}

function streamOf(length: number, writeAll: (client: ClientStream) => Promise<void>): ReadableStream {
  const { readable, writable } = new FixedLengthStream(length)
  send(writable, writeAll)
  return readable
}

/** Sends an answer in one response. */
export const whole = (answer: Ready, headers: Record<string, string>, opening = ''): Response =>
  new Response(answer.body(opening), { headers: { ...headers, 'content-type': answer.contentType } })

/**
 * Writes a body to its end. A failure cuts the connection, since the status is already sent, and so does a client that
 * stops reading.
 */
export function send(body: WritableStream<Uint8Array>, writeAll: (client: ClientStream) => Promise<void>): void {
  const client = new ClientStream(body)
  writeAll(client)
    .then(() => client.close())
    .catch(async (error: unknown) => {
      log('answer-broken-off', describe(error))
      await client.abort(error)
    })
}
