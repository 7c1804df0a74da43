import { type Bytes, keepingHead, peek, readStream } from '../../streams/bytes'
import { latin1 } from '../../streams/latin1'
import { LAST_EVENT_DATA } from '../../streams/server-events'
import { bodyStream, isEventStream } from './http'
import { unreadableError } from './unusable-answer'

/** The first bytes of an answer that tell a web page from a text of the API. */
export const HEAD_BYTES = 64

/** The longest name of a field in a stream of events, with its colon. */
const FIELD_BYTES = 'event:'.length

/** The body of an answer in its real form. */
export interface FormedAnswer {
  isEvents: boolean
  bytes: Bytes
  /** The first bytes, without blanks. */
  head: () => Uint8Array
}

/**
 * Tells JSON from events by the first bytes behind blanks and a byte order mark. Relays send the wrong form and the
 * wrong media type, which decides about other text only. Throws ProviderError.
 */
export async function formedAnswer(response: Response): Promise<FormedAnswer> {
  const opened = await peek(withoutBlanks(readStream(bodyStream(response))), FIELD_BYTES).catch((error: unknown) => {
    throw unreadableError(error, response, { isMade: false, head: new Uint8Array(0) })
  })
  const { head, all } = keepingHead(opened.all, HEAD_BYTES)
  const start = latin1(opened.head)
  const isEvents = /^(?:data|event|id|retry)?:/.test(start) || (!/^[{[<]/.test(start) && isEventStream(response))
  return { isEvents, bytes: all, head }
}

/** Leaves out the byte order mark and the blanks in front. Relays keep a connection alive by them. */
async function* withoutBlanks(bytes: Bytes): Bytes {
  let isOpen = false
  for await (const chunk of bytes) {
    const from = isOpen ? 0 : chunk.findIndex((byte) => !BLANKS.has(byte))
    if (from === -1) continue
    isOpen = true
    yield chunk.subarray(from)
  }
}

/** The bytes of white space and of the byte order mark. */
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf])

/** The data of an event by its first bytes. `other` is none of the API: relays send comments as data. */
export async function openedData(data: Bytes): Promise<{ is: 'json' | 'last' | 'other'; all: Bytes }> {
  const { head, all } = await peek(data, LAST_EVENT_DATA.length)
  const start = latin1(head).trimStart()
  if (start.startsWith(LAST_EVENT_DATA)) return { is: 'last', all }
  return { is: /^[{[]/.test(start) ? 'json' : 'other', all }
}
