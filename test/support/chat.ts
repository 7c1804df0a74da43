import { exports } from 'cloudflare:workers'
import { OpenAI as OpenAI4 } from 'openai-4'
import type { OpenAI } from 'openai'
import { KEY, knock, openai, ORIGIN, post } from './gateway'

/** The vendor's client of a year ago. */
export const openai4 = (): OpenAI4 =>
  new OpenAI4({
    apiKey: KEY,
    baseURL: `${ORIGIN}/v1`,
    maxRetries: 0,
    fetch: (input, init) => exports.default.fetch(new Request(input, init)),
  })

export type Message = OpenAI.ChatCompletionMessageParam
export type Completion = OpenAI.ChatCompletion
export type Chunk = OpenAI.ChatCompletionChunk

/** The question of most tests. */
export const ASKED = { model: 'gpt-image-2', messages: [{ role: 'user' as const, content: 'A cat' }] }

/** Sends it with the vendor's client. */
export const complete = (messages: Message[], more: Record<string, unknown> = {}): Promise<Completion> =>
  openai().chat.completions.create({ ...ASKED, messages, ...more, stream: false })

/** Sends it without an SDK. */
export const ask = (more: Record<string, unknown> = {}, headers: Record<string, string> = {}): Promise<Response> =>
  post('/v1/chat/completions', { ...ASKED, ...more }, headers)

/** The text after `data:` of each event. */
export async function framesOf(response: Response): Promise<string[]> {
  return (await response.text())
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: '))
    .map((frame) => frame.slice('data: '.length))
}

/** The address of the picture in Markdown, which has nothing after it. */
export function addressIn(content: string | null | undefined): string {
  const [, address] = /^(?:> \d+(?:%| s)\n)*\n?!\[image\]\((\S+)\)$/.exec(content ?? '') ?? []
  if (!address) throw new Error(`there is no picture in ${content}`)
  return address
}

/** The bytes behind a link. */
export async function shown(link: string): Promise<Uint8Array<ArrayBuffer>> {
  const response = await knock(link)
  if (response.status !== 200) throw new Error(`the picture is not shown: ${response.status}`)
  return new Uint8Array(await response.arrayBuffer())
}

/** A picture in a message. */
export const part = (url: string): OpenAI.ChatCompletionContentPartImage => ({ type: 'image_url', image_url: { url } })

export const dataUrl = (bytes: Uint8Array, mediaType = 'image/png'): string =>
  `data:${mediaType};base64,${bytes.toBase64()}`
