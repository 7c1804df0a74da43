import type { ProgressEvent } from '../generation/subscribers'
import type { ProgressEvents } from './progress-events'
import { type Ready, send, type Writer } from './whole'

/** An answer that goes out before it is there. */
export interface Early {
  contentType: string
  /** What comes before all else. */
  opening: string
  /** Says nothing, and keeps the connection from being taken for dead. */
  idle: () => string
  glimpses: ProgressEvents
  /** The answer; where it fails and the wire format has no words for that any more, the connection is broken off. */
  answer: Promise<Ready>
  /** How often something is sent at least, in ms. */
  everyMs: number
  /** Makes a glimpse ready; undefined where it is gone. */
  show: (glimpse: ProgressEvent) => Promise<Ready | undefined>
  /** Words a failure of the answer; undefined where the wire format has no words for it. */
  excuse: (error: unknown) => Promise<string | undefined>
}

/** Begins an answer, keeps its connection alive, passes on what can be shown, and ends it with the answer itself. */
export function early(answer: Early, told: Record<string, string>): Response {
  // It may fail while a preview is being written, or after its client has gone: nobody listens then.
  answer.answer.catch(() => {})
  const { readable, writable } = new IdentityTransformStream()
  send(writable.getWriter(), (writer) => write(answer, writer))
  return new Response(readable, { headers: { ...told, 'content-type': answer.contentType } })
}

async function write({ opening, idle, glimpses, answer, everyMs, show, excuse }: Early, writer: Writer): Promise<void> {
  const encoder = new TextEncoder()
  if (opening !== '') await writer.write(encoder.encode(opening))
  for (let first: 'glimpse' | 'silence' | 'answer' = 'silence'; first !== 'answer';) {
    const glimpse = glimpses.take()
    const shown = glimpse && (await show(glimpse))
    if (shown) await shown.write(writer)
    else if (first === 'silence') await writer.write(encoder.encode(idle()))
    first = await firstOf({ glimpse: glimpses.arrival, answer }, everyMs)
  }
  const ready = await answer.catch(async (error: unknown) => {
    const words = await excuse(error)
    if (words === undefined) throw error
    await writer.write(encoder.encode(words))
  })
  await ready?.write(writer)
}

/** What comes first: a glimpse, the answer, for good or ill, or so many ms in which neither does. */
export async function firstOf(
  { glimpse, answer }: { glimpse: Promise<void>; answer: Promise<unknown> },
  milliseconds: number | undefined,
): Promise<'glimpse' | 'answer' | 'silence'> {
  const { promise: silence, resolve } = Promise.withResolvers<'silence'>()
  const timer = milliseconds === undefined ? undefined : setTimeout(() => resolve('silence'), milliseconds)
  const answered = async (): Promise<'answer'> => {
    await answer.catch(() => {})
    return 'answer'
  }
  try {
    return await Promise.race([glimpse.then(() => 'glimpse' as const), answered(), silence])
  } finally {
    clearTimeout(timer)
  }
}
