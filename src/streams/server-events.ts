import { Buffer } from 'node:buffer'
import type { Bytes } from './bytes'
import { latin1 } from './latin1'
import { Window } from './window'

/** One event. Its data is read before the next event. */
export interface ServerEvent {
  /** The value of the last `event:` line before the data. */
  name: string | undefined
  data: Bytes
}

/** The data of the last event of OpenAI's APIs. */
export const LAST_EVENT_DATA = '[DONE]'

/** The limit of an event's name in bytes. A longer name is cut. */
const MAX_EVENT_NAME = 256

const LF = 0x0a
const CR = 0x0d
const SPACE = 0x20
const COLON = 0x3a
const OPEN_OBJECT = 0x7b
const LINE_FEED = Uint8Array.of(LF)

/** The relevant lines: two fields, JSON without a field, and the end of an event. */
type LineKind = 'data' | 'event' | 'bare' | 'blank'
const LONGEST_FIELD = 'event'.length

/**
 * Reads a `text/event-stream` as it streams (WHATWG HTML §9.2.6). An event comes out at the start of its data, which
 * may have any size. The end of the source ends the last event. A line with `{` in front is one up to a blank line:
 * some servers report an error so.
 */
export class EventStream {
  readonly #window: Window
  /** Whether the window is between the start of an event's data and its blank line. */
  #inData = false
  /** A line behind an event's data that begins the next event. */
  #next: 'bare' | undefined
  /** Whether the window is inside a line's value, and whether at its start. */
  #inValue = false
  #atValue = false

  constructor(bytes: Bytes) {
    this.#window = new Window(withLineFeeds(bytes))
  }

  /** The events in order. Throws the errors of the bytes. */
  async *events(): AsyncGenerator<ServerEvent, void> {
    let name = ''
    try {
      await this.#window.skipByteOrderMark()
      for (let line = await this.#line(); line !== undefined; line = this.#next ?? (await this.#line())) {
        if (line === 'data' || line === 'bare') {
          this.#next = undefined
          this.#inData = true
          const data = (): Bytes => (line === 'bare' ? this.#bare() : this.#data())
          yield { name: name === '' ? undefined : name, data: data() }
          await drain(data())
        }
        name = line === 'event' ? await this.#name() : ''
      }
    } finally {
      await this.#window.close()
    }
  }

  /** Moves to the value of the next relevant line, or behind a blank one. Undefined at the end of the source. */
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

  /** Skips the name and the colon of a field that ends in view. Returns the kind of a relevant line. */
  #begin(view: Uint8Array, end: number): LineKind | undefined {
    if (end === 0 && view[0] === LF) {
      this.#window.skip(1)
      return 'blank'
    }
    this.#inValue = this.#atValue = true
    if (view[0] === OPEN_OBJECT) return 'bare'
    if (end === -1) return undefined
    const field = latin1(view.subarray(0, end))
    // A line without a colon has an empty value.
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

  /** The remainder of an event's data with joined lines, up to its blank line. */
  async *#data(): Bytes {
    while (this.#inData) {
      yield* this.#value()
      const line = await this.#line()
      if (line === 'data') yield LINE_FEED
      else if (line === 'event') await drain(this.#value())
      else {
        this.#inData = false
        if (line === 'bare') this.#next = line
      }
    }
  }

  /** The remainder of lines without a field, up to a blank one. */
  async *#bare(): Bytes {
    while (this.#inData) {
      yield* this.#value()
      const isMore = this.#window.view.length > 0 || (await this.#window.more())
      this.#inValue = isMore && this.#window.view[0] !== LF
      this.#inData = this.#inValue
      if (this.#inData) yield LINE_FEED
    }
  }

  /** The remainder of a line's value, up to the end of the line. */
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

/** Replaces CR and CRLF by line feeds. */
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
