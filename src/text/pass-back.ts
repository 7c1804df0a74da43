import { describe, log } from '../runtime/log'
import type { TextAnswer } from '../providers/provider'
import { DeadlineExceeded } from '../runtime/deadline'
import { progressing } from '../runtime/stall'
import type { Bytes } from '../streams/bytes'
import type { DisconnectGrace } from './disconnect-grace'
import { type MeteredAnswer, meterAnswer } from './meter'

/**
 * Passes an answer to its client as it arrives, and returns its figures at the end. A client that disconnects does not end it.
 * A stalled client is cut off, and counts as disconnected.
 * Throws the errors of the bytes, after which the client's answer is broken off too.
 */
export async function passBack(
  { bytes, contentType }: Pick<TextAnswer, 'bytes' | 'contentType'>,
  client: WritableStream<Uint8Array>,
  grace: Pick<DisconnectGrace, 'disconnected' | 'begin'>,
): Promise<MeteredAnswer> {
  const passing = copied(bytes, client.getWriter(), grace)
  // The iterator has no `return`: if the meter stops early, the rest still goes to the client.
  const withoutReturn = { [Symbol.asyncIterator]: () => ({ next: () => passing.next() }) }
  try {
    return await meterAnswer(withoutReturn, contentType)
  } finally {
    for await (const _ of passing);
  }
}

async function* copied(
  answer: Bytes,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  { disconnected, begin }: Pick<DisconnectGrace, 'disconnected' | 'begin'>,
): AsyncGenerator<Uint8Array, void> {
  let isConnected = true
  const client = progressing(writer)
  const disconnect = (error?: unknown): void => {
    isConnected = false
    if (!(error instanceof DeadlineExceeded)) return
    // A stalled client counts as disconnected.
    begin()
    void cut(writer, error)
  }
  const gone = disconnected.then(() => disconnect())
  try {
    for await (const chunk of answer) {
      // A write never ends if the client disconnected before it began to read.
      if (isConnected) await Promise.race([client.write(chunk).catch(disconnect), gone])
      yield chunk
    }
    if (isConnected) await Promise.race([writer.close().catch(disconnect), gone])
  } catch (error) {
    log('answer-broken-off', describe(error))
    if (isConnected) await Promise.race([writer.abort(error).catch(disconnect), gone])
    throw error
  }
}

/** Breaks an answer off. Never throws. */
async function cut(writer: WritableStreamDefaultWriter<Uint8Array>, error: Error): Promise<void> {
  await writer.abort(error).catch(() => {})
}
