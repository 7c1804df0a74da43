import type { RenderedAnswer, AnswerText } from '../dialects/dialect'
import type { StoredImage } from '../image/record'
import { describe, log } from '../runtime/log'
import { type ClientWriter, progressing } from '../runtime/stall'
import { openImage } from '../store/images'
import { base64Length, writeBase64 } from '../streams/base64'

/** An answer that is ready to be sent. Its first image is open; the others are opened while it is sent. */
export interface Ready {
  contentType: string
  /** The body of a whole response, with a known length; `opening` precedes it. */
  body: (opening: string) => BodyInit
  /** Throws when an image is no longer in R2, or the client has gone. */
  write: (writer: ClientWriter) => Promise<void>
}

/**
 * Makes an answer ready; undefined when its first image is not in R2. `onMissing` receives the key of any other missing
 * image, and writing stops there.
 */
export async function ready(
  { contentType, parts }: RenderedAnswer,
  bucket: R2Bucket,
  onMissing: (key: string) => Promise<unknown>,
): Promise<Ready | undefined> {
  const encoder = new TextEncoder()
  const firstImage = parts.find((part) => typeof part === 'object')
  if (!firstImage) {
    const text = (): string => parts.map((part) => (typeof part === 'object' ? '' : textOf(part))).join('')
    return { contentType, body: (opening) => opening + text(), write: (writer) => writer.write(encoder.encode(text())) }
  }
  const first = await openImage(bucket, firstImage.key)
  if (!first) return undefined
  const open = async (image: StoredImage): Promise<R2ObjectBody> => {
    // An answer may hold the same image twice.
    const object = image === firstImage && !first.bodyUsed ? first : await openImage(bucket, image.key)
    if (object) return object
    await onMissing(image.key)
    throw new Error(`the image ${image.key} is not in R2`)
  }
  const encoded = (): Encoded[] => parts.map((part) => (typeof part === 'object' ? part : encoder.encode(textOf(part))))
  const body = (opening: string): ReadableStream => {
    const all = [encoder.encode(opening), ...encoded()]
    return streamOf(lengthOf(all), (writer) => write(all, writer, open))
  }
  return { contentType, body, write: (writer) => write(encoded(), writer, open) }
}

const textOf = (text: AnswerText): string => (typeof text === 'function' ? text() : text)

type Encoded = Uint8Array | StoredImage

const lengthOf = (parts: readonly Encoded[]): number =>
  parts.reduce((sum, part) => sum + (part instanceof Uint8Array ? part.length : base64Length(part.bytes)), 0)

async function write(
  parts: readonly Encoded[],
  writer: ClientWriter,
  open: (image: StoredImage) => Promise<R2ObjectBody>,
): Promise<void> {
  for (const part of parts) {
    if (!(part instanceof Uint8Array)) await writeBase64((await open(part)).body, writer)
    else if (part.length > 0) await writer.write(part)
  }
}

function streamOf(length: number, writeAll: (writer: ClientWriter) => Promise<void>): ReadableStream {
  const { readable, writable } = new FixedLengthStream(length)
  send(writable.getWriter(), writeAll)
  return readable
}

/** Sends an answer in one response. */
export const whole = (answer: Ready, headers: Record<string, string>, opening = ''): Response =>
  new Response(answer.body(opening), { headers: { ...headers, 'content-type': answer.contentType } })

/**
 * Writes a body to its end. A failure cuts the connection, since the status is already sent, and so does a client that
 * stops reading.
 */
export function send(
  writer: WritableStreamDefaultWriter<Uint8Array>,
  writeAll: (writer: ClientWriter) => Promise<void>,
): void {
  writeAll(progressing(writer))
    .then(() => writer.close())
    .catch(async (error: unknown) => {
      log('answer-broken-off', describe(error))
      await writer.abort(error).catch(() => {})
    })
}
