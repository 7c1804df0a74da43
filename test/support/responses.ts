import { createHash } from 'node:crypto'
import type { OpenAI } from 'openai'
import { openai, post } from './gateway'

export type Answer = OpenAI.Responses.Response
export type Call = OpenAI.Responses.ResponseOutputItem.ImageGenerationCall
export type Event = OpenAI.Responses.ResponseStreamEvent
export type Items = OpenAI.Responses.ResponseInput
type Tool = Partial<OpenAI.Responses.Tool.ImageGeneration>
type Said = Partial<OpenAI.Responses.ResponseCreateParamsNonStreaming>

/** A request to a text model with the tool, with further fields of the request and of the tool. */
export const asking = (said: Said = {}, tool: Tool = {}): OpenAI.Responses.ResponseCreateParamsNonStreaming => ({
  model: 'gpt-5.2',
  input: 'A cat',
  tools: [{ type: 'image_generation', model: 'gpt-image-2', quality: 'low', size: '1024x1024', ...tool }],
  ...said,
})

/** Requests a picture with the vendor's client. */
export const respond = (said: Said = {}, tool: Tool = {}, headers: Record<string, string> = {}): Promise<Answer> =>
  openai().responses.create(asking(said, tool), { headers })

/** The same without an SDK, for fields that the SDK's types lack. */
export const postResponse = (said: Record<string, unknown>, headers?: Record<string, string>): Promise<Response> =>
  post('/v1/responses', { ...asking(), ...said }, headers)

/** The call that made the picture of an answer; a message without words follows it. */
export function callIn({ output }: Pick<Answer, 'output'>): Call {
  const [item, message] = output
  if (output.length !== 2 || item?.type !== 'image_generation_call' || message?.type !== 'message')
    throw new Error('the answer is not one picture')
  return item
}

export const pictureIn = (answer: Pick<Answer, 'output'>): string => callIn(answer).result ?? ''

/** The sent request, as a fake upstream records it. */
export const sha256Of = (base64: string): string =>
  createHash('sha256').update(Uint8Array.fromBase64(base64)).digest('hex')

/** A text of the user, with pictures as data URLs. */
export const user = (text: string, ...pictures: string[]): Items[number] => ({
  role: 'user',
  content: [
    { type: 'input_text', text },
    ...pictures.map((base64) => ({
      type: 'input_image' as const,
      detail: 'auto' as const,
      image_url: `data:image/png;base64,${base64}`,
    })),
  ],
})

/** The events of a stream so far. */
export interface Watched {
  events: Event[]
  /** Resolves with the error that it ends with, or undefined. */
  ended: Promise<unknown>
}

/** Requests a stream with the vendor's client, and records its events. */
export function watch(input: string, partial_images: number): Watched {
  const events: Event[] = []
  const readAll = async (): Promise<void> => {
    const stream = await openai().responses.create({ ...asking({ input }, { partial_images }), stream: true })
    for await (const event of stream) events.push(event)
  }
  const ended = readAll().then(
    () => undefined,
    (error: unknown) => error,
  )
  return { events, ended }
}

/** All events of a stream, which ends well. */
export async function collect(input: string, partials: number): Promise<Event[]> {
  const { events, ended } = watch(input, partials)
  const error = await ended
  if (error !== undefined) throw error
  return events
}
