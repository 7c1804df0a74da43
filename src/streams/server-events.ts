import { Buffer } from 'node:buffer'
import type { Bytes } from './bytes'
import { latin1 } from './latin1'
import { Window } from './window'

/** One event of a stream of them; its data is to be read before the next event is asked for. */
export interface ServerEvent {
  /** What the last `event:` line before its data says. */
  name: string | undefined
  data: Bytes
}

/** The data of the event after which OpenAI's APIs send no more. */
export const LAST_EVENT_DATA = '[DONE]'

/** In bytes; no name that anyone has use for is longer. */
const MAX_EVENT_NAME = 256

const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const COLON = 0x3a
const LINE_FEED = Uint8Array.of(LF)
const BYTE_ORDER_MARK = Buffer.from('\ufeff')

/** The lines that matter: two fields, and what ends an event. */
type LineKind = 'data' | 'event' | 'blank'
const LONGEST_FIELD = 'event'.length

/**
 * A `text/event-stream` read as it passes (WHATWG HTML §9.2.6): events with data are handed out as soon as that begins,
 * whatever its size. The end of the source ends them, and the data of an event that it cuts off.
 */
export class EventStream {
  readonly #window: Window
  /** Whether the window stands between the beginning of an event's data and the blank line behind it. */
  #inData = false
  /** Whether the window stands inside a line's value, and whether at its very beginning. */
  #inValue = false
  #atValue = false

  constructor(bytes: Bytes) {
    this.#window = new Window(withLineFeeds(bytes))
  }

  /** The events in the order of the stream. Throws what reading the bytes throws. */
  async *events(): AsyncGenerator<ServerEvent, void> {
    let name = ''
    try {
      await this.#skipByteOrderMark()
      for (let line = await this.#line(); line !== undefined; line = await this.#line()) {
        if (line === 'data') {
          this.#inData = true
          yield { name: name === '' ? undefined : name, data: this.#data() }
          await drain(this.#data())
        }
        name = line === 'event' ? await this.#name() : ''
      }
    } finally {
      await this.#window.close()
    }
  }

  async #skipByteOrderMark(): Promise<void> {
    const { length } = BYTE_ORDER_MARK
    while (this.#window.view.length < length) if (!(await this.#window.more())) return
    if (BYTE_ORDER_MARK.equals(this.#window.view.subarray(0, length))) this.#window.skip(length)
  }

  /** Goes to the value of the next line that matters, or behind a blank one; undefined at the end of the source. */
  async #line(): Promise<LineKind | undefined> {
    for (;;) {
      const view = this.#window.view.subarray(0, LONGEST_FIELD + 1)
      const end = view.findIndex((byte) => byte === COLON || byte === LF)
      if (end !== -1 || view.length > LONGEST_FIELD) {
        const line = this.#begin(view, end)
        if (line) return line
        await drain(this.#value())
      } else if (!(await this.#window.more())) return undefined
    }
  }

  /** Skips the field of a line, with its colon, where it ends in view, and tells which it is, if it matters. */
  #begin(view: Uint8Array, end: number): LineKind | undefined {
    if (end === 0 && view[0] === LF) {
      this.#window.skip(1)
      return 'blank'
    }
    this.#inValue = this.#atValue = true
    if (end === -1) return undefined
    const field = latin1(view.subarray(0, end))
    // Without a colon it has no value, which begins with the end of the line then.
    this.#window.skip(view[end] === COLON ? end + 1 : end)
    return field === 'data' || field === 'event' ? field : undefined
  }

  async #name(): Promise<string> {
    const decoder = new TextDecoder()
    let name = ''
    let room = MAX_EVENT_NAME
    for await (const chunk of this.#value()) {
      const fitting = chunk.subarray(0, room)
      room -= fitting.length
      name += decoder.decode(fitting, { stream: true })
    }
    return name
  }

  /** What is left of an event's data, its lines joined, up to the blank line behind it, which is skipped. */
  async *#data(): Bytes {
    while (this.#inData) {
      yield* this.#value()
      const line = await this.#line()
      if (line === 'data') yield LINE_FEED
      else if (line === 'event') await drain(this.#value())
      else this.#inData = false
    }
  }

  /** What is left of a line's value, up to the end of the line, which is skipped. */
  async *#value(): Bytes {
    while (this.#inValue) {
      const { view } = this.#window
      const from = this.#atValue && view[0] === SPACE ? 1 : 0
      const end = view.indexOf(LF)
      const value = view.subarray(from, end === -1 ? view.length : end)
      if (view.length > 0) this.#atValue = false
      this.#inValue = end === -1
      this.#window.skip(end === -1 ? view.length : end + 1)
      if (value.length > 0) yield value
      if (this.#inValue && !(await this.#window.more())) this.#inValue = false
    }
  }
}

async function drain(bytes: Bytes): Promise<void> {
  for await (const _ of bytes);
}

/** The same lines, each ended by a line feed, where CR and CRLF may stand for that. */
async function* withLineFeeds(bytes: Bytes): Bytes {
  let afterCr = false
  for await (const chunk of bytes) {
    if (chunk.length === 0) continue
    const lines = afterCr && chunk[0] === LF ? chunk.subarray(1) : chunk
    afterCr = chunk.at(-1) === CR
    yield lines.includes(CR) ? unified(lines) : lines
  }
}

const unified = (lines: Uint8Array): Uint8Array => Buffer.from(latin1(lines).replaceAll(/\r\n?/g, '\n'), 'latin1')
