import { describe, log } from '../runtime/log'
import type { TextAnswer } from '../providers/provider'
import type { Bytes } from '../streams/bytes'
import { type MeteredAnswer, meterAnswer } from './meter'

/**
 * Passes an answer to its client as it arrives, and returns its figures at the end. A client that disconnects does not end it.
 * Throws the errors of the bytes, after which the client's answer is broken off too.
 */
export async function passBack(
  { bytes, contentType }: Pick<TextAnswer, 'bytes' | 'contentType'>,
  client: WritableStream<Uint8Array>,
  disconnected: Promise<void>,
): Promise<MeteredAnswer> {
  const passing = copied(bytes, client.getWriter(), disconnected)
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
  disconnected: Promise<void>,
): AsyncGenerator<Uint8Array, void> {
  let isConnected = true
  const disconnect = (): void => void (isConnected = false)
  const gone = disconnected.then(disconnect)
  try {
    for await (const chunk of answer) {
      // A write never ends if the client disconnected before it began to read.
      if (isConnected) await Promise.race([writer.write(chunk).catch(disconnect), gone])
      yield chunk
    }
    if (isConnected) await Promise.race([writer.close().catch(disconnect), gone])
  } catch (error) {
    log('answer-broken-off', describe(error))
    if (isConnected) await Promise.race([writer.abort(error).catch(disconnect), gone])
    throw error
  }
}
