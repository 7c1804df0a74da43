import { OpenAI } from 'openai'
import type { Gateway } from './gateway.ts'

/** A request for pictures without an SDK. */
export interface ImageRequest {
  key?: string
  headers?: Record<string, string>
  body: Record<string, unknown>
}

/** A request in the shape of `fetch` and of `node:http`. */
export interface HttpRequest {
  method: string
  headers: Record<string, string>
  body: string
}

/** The options of `fetch` for a request, each on a connection of its own. */
export const requestOf = (gateway: Gateway, { key = gateway.key, headers = {}, body }: ImageRequest): HttpRequest => ({
  method: 'POST',
  headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', connection: 'close', ...headers },
  body: JSON.stringify({ model: 'gpt-image-2', quality: 'low', size: '1024x1024', ...body }),
})

export const ask = (gateway: Gateway, asked: ImageRequest, baseUrl = gateway.baseUrl): Promise<Response> =>
  fetch(`${baseUrl}/images/generations`, requestOf(gateway, asked))

/** The reason of a rejected promise. */
export const errorOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => Promise.reject(new Error(`this succeeded: ${JSON.stringify(value).slice(0, 200)}`)),
    (error: unknown) => error,
  )

/** An event of a stream, as the SDK reads it. */
export type StreamEvent = OpenAI.ImageGenStreamEvent | OpenAI.ImageEditStreamEvent

/** All remaining events of a stream. */
export async function rest<Event>(stream: AsyncIterable<Event>): Promise<Event[]> {
  const events: Event[] = []
  for await (const event of stream) events.push(event)
  return events
}
