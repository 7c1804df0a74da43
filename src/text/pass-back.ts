import { describe, log } from '../runtime/log'
import type { TextAnswer } from '../providers/provider'
import type { Bytes } from '../streams/bytes'
import { type Metered, meter } from './meter'

/**
 * Passes an answer back to its client as it comes, and tells what it says of itself once it has ended. A client that goes
 * away does not end it. Throws what reading the bytes throws, which breaks the client's answer off.
 */
export async function passBack(
  { bytes, contentType }: Pick<TextAnswer, 'bytes' | 'contentType'>,
  client: WritableStream<Uint8Array>,
  gone: Promise<void>,
): Promise<Metered> {
  const passing = passed(bytes, client.getWriter(), gone)
  // Without a way to leave it early: what nobody has to read for its meter is the client's all the same.
  const untilItsEnd = { [Symbol.asyncIterator]: () => ({ next: () => passing.next() }) }
  try {
    return await meter(untilItsEnd, contentType)
  } finally {
    for await (const _ of passing);
  }
}

async function* passed(
  answer: Bytes,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  gone: Promise<void>,
): AsyncGenerator<Uint8Array, void> {
  let isThere = true
  const leave = (): void => void (isThere = false)
  const left = gone.then(leave)
  try {
    for await (const chunk of answer) {
      // What is written for a client that went before it began to read is never taken.
      if (isThere) await Promise.race([writer.write(chunk).catch(leave), left])
      yield chunk
    }
    if (isThere) await Promise.race([writer.close().catch(leave), left])
  } catch (error) {
    log('answer-broken-off', describe(error))
    if (isThere) await Promise.race([writer.abort(error).catch(leave), left])
    throw error
  }
}
