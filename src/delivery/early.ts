import type { Beginning } from '../dialects/dialect'
import type { PartialImage } from '../image/record'
import type { Previews } from './previews'
import { type Ready, send, type Writer } from './whole'

/** An answer that goes out before it is there. */
export interface Early {
  beginning: Beginning
  previews: Previews
  /** The answer; where it fails and the wire format has no words for that any more, the connection is broken off. */
  answer: Promise<Ready>
  /** How often something is sent at least, in ms. */
  everyMs: number
  /** Makes a preview ready; undefined where it is gone. */
  show: (partial: PartialImage) => Promise<Ready | undefined>
  /** Words a failure of the answer; undefined where the wire format has no words for it. */
  excuse: (error: unknown) => Promise<string | undefined>
}

/** Begins an answer, keeps its connection alive, passes previews on, and ends it with the answer itself. */
export function early(answer: Early, told: Record<string, string>): Response {
  // It may fail while a preview is being written, or after its client has gone: nobody listens then.
  answer.answer.catch(() => {})
  const { readable, writable } = new IdentityTransformStream()
  send(writable.getWriter(), (writer) => write(answer, writer))
  return new Response(readable, { headers: { ...told, 'content-type': answer.beginning.contentType } })
}

async function write({ previews, answer, everyMs, beginning, show, excuse }: Early, writer: Writer): Promise<void> {
  const encoder = new TextEncoder()
  for (let first: 'preview' | 'silence' | 'answer' = 'silence'; first !== 'answer';) {
    const partial = previews.take()
    const preview = partial && (await show(partial))
    if (preview) await preview.write(writer)
    else if (first === 'silence') await writer.write(encoder.encode(beginning.filler))
    first = await firstOf({ preview: previews.arrival, answer }, everyMs)
  }
  const ready = await answer.catch(async (error: unknown) => {
    const words = await excuse(error)
    if (words === undefined) throw error
    await writer.write(encoder.encode(words))
  })
  await ready?.write(writer)
}

/** What comes first: a preview, the answer, for good or ill, or so many ms in which neither does. */
export async function firstOf(
  { preview, answer }: { preview: Promise<void>; answer: Promise<unknown> },
  milliseconds: number | undefined,
): Promise<'preview' | 'answer' | 'silence'> {
  const { promise: silence, resolve } = Promise.withResolvers<'silence'>()
  const timer = milliseconds === undefined ? undefined : setTimeout(() => resolve('silence'), milliseconds)
  const answered = async (): Promise<'answer'> => {
    await answer.catch(() => {})
    return 'answer'
  }
  try {
    return await Promise.race([preview.then(() => 'preview' as const), answered(), silence])
  } finally {
    clearTimeout(timer)
  }
}
