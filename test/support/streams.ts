import type { OpenAI } from 'openai'
import { openai } from './gateway'
import { pictureFile } from './pictures'

export type StreamEvent = OpenAI.ImageGenStreamEvent | OpenAI.ImageEditStreamEvent

/** The fields of a request for a stream. */
export interface Wanted {
  prompt: string
  n?: number
  partial_images?: number
}

export const OPERATIONS = ['generation', 'edit'] as const
export type Operation = (typeof OPERATIONS)[number]

/** Requests a stream with the vendor's client. */
export async function begin(
  operation: Operation,
  wanted: Wanted,
  options: { signal?: AbortSignal; headers?: Record<string, string>; client?: OpenAI } = {},
): Promise<AsyncIterable<StreamEvent>> {
  const { client = openai(), ...rest } = options
  const body = { model: 'gpt-image-2', quality: 'low', size: '1024x1024', stream: true, ...wanted } as const
  if (operation === 'generation') return await client.images.generate(body, rest)
  return await client.images.edit({ ...body, image: await pictureFile('a') }, rest)
}

/** The events of a stream so far; `ended` resolves with the error at its end, or undefined. */
export interface Watched {
  events: StreamEvent[]
  ended: Promise<unknown>
}

export function watch(beginning: Promise<AsyncIterable<StreamEvent>>): Watched {
  const events: StreamEvent[] = []
  const readAll = async (): Promise<void> => {
    for await (const event of await beginning) events.push(event)
  }
  const ended = readAll().then(
    () => undefined,
    (error: unknown) => error,
  )
  return { events, ended }
}

/** All events of a stream, which ends well. */
export async function collect(beginning: Promise<AsyncIterable<StreamEvent>>): Promise<StreamEvent[]> {
  const { events, ended } = watch(beginning)
  const error = await ended
  if (error !== undefined) throw error
  return events
}

/** An event in a word: `0` for a preview, by its index, `done` for a picture. */
const wordOf = (event: StreamEvent): string =>
  'partial_image_index' in event ? String(event.partial_image_index) : 'done'

export const words = (events: readonly StreamEvent[]): string => events.map(wordOf).join(' ')

/** The sum of the usage in a stream. */
export const outputTokens = (events: readonly StreamEvent[]): number =>
  events.reduce((sum, event) => sum + ('usage' in event ? event.usage.output_tokens : 0), 0)

export const picturesIn = (events: readonly StreamEvent[]): string[] => events.map(({ b64_json }) => b64_json)
