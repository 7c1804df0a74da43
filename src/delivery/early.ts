import type { ProgressEvent } from '../generation/clients'
import type { ProgressEvents } from './progress-events'
import type { ClientStream } from './client-stream'
import { type Ready, send } from './whole'

/** A response that begins before its answer exists. */
export interface EarlyResponse {
  contentType: string
  /** The first text of the body. */
  opening: string
  /** A text without meaning, which keeps the connection alive. */
  idle: () => string
  events: ProgressEvents
  answer: Promise<Ready>
  /** The longest silence, in ms. */
  everyMs: number
  /** Renders a progress event; undefined for a preview that is gone. */
  show: (event: ProgressEvent) => Promise<Ready | undefined>
  /** Renders a failure of the answer; undefined breaks the connection off. */
  renderFailure: (error: unknown) => Promise<string | undefined>
}

/** Begins a response, keeps its connection alive, sends progress events, and ends with the answer. */
export function early(response: EarlyResponse, headers: Record<string, string>): Response {
  // The answer can fail while a preview is being written, or after the client has gone.
  response.answer.catch(() => {})
  const { readable, writable } = new IdentityTransformStream()
  send(writable, (client) => write(response, client))
  return new Response(readable, { headers: { ...headers, 'content-type': response.contentType } })
}

async function write(
  { opening, idle, events, answer, everyMs, show, renderFailure }: EarlyResponse,
  client: ClientStream,
): Promise<void> {
  const encoder = new TextEncoder()
  if (opening !== '') await client.write(encoder.encode(opening))
  for (let first: 'event' | 'silence' | 'answer' = 'silence'; first !== 'answer';) {
    const event = events.take()
    const shown = event && (await show(event))
    if (shown) await shown.write(client)
    else if (first === 'silence') await client.write(encoder.encode(idle()))
    first = await firstOf({ event: events.arrival, answer }, everyMs)
  }
  const ready = await answer.catch(async (error: unknown) => {
    const words = await renderFailure(error)
    if (words === undefined) throw error
    await client.write(encoder.encode(words))
  })
  await ready?.write(client)
}

/** The first of three: a progress event, the settled answer, or a silence of so many ms. */
export async function firstOf(
  { event, answer }: { event: Promise<void>; answer: Promise<unknown> },
  milliseconds: number | undefined,
): Promise<'event' | 'answer' | 'silence'> {
  const { promise: silence, resolve } = Promise.withResolvers<'silence'>()
  const timer = milliseconds === undefined ? undefined : setTimeout(() => resolve('silence'), milliseconds)
  const answered = async (): Promise<'answer'> => {
    await answer.catch(() => {})
    return 'answer'
  }
  try {
    return await Promise.race([event.then(() => 'event' as const), answered(), silence])
  } finally {
    clearTimeout(timer)
  }
}
