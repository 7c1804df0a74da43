import type { Bytes } from './bytes'

/** A sliding view over passing bytes: a parser looks at what has arrived, skips what it has read and asks for more. */
export class Window {
  readonly #source: AsyncIterator<Uint8Array>
  /** Holds what is unread of several chunks; a chunk that meets nothing unread is looked at where it is. */
  #buffer = new Uint8Array(0)
  #view: Uint8Array = this.#buffer
  #offset = 0

  constructor(bytes: Bytes) {
    this.#source = bytes[Symbol.asyncIterator]()
  }

  /** The bytes that have arrived and are not skipped; valid until `more`. */
  get view(): Uint8Array {
    return this.#view
  }

  /** How many bytes were skipped since the beginning of the source. */
  get offset(): number {
    return this.#offset
  }

  skip(count: number): void {
    this.#offset += count
    this.#view = this.#view.subarray(count)
  }

  /** Waits for the next bytes and puts them behind those in view; false at the end of the source. */
  async more(): Promise<boolean> {
    // The chunk that the unread bytes may stand in is used again for the next one.
    if (this.#view.length > 0) this.#hold(this.#view, this.#view.length)
    const { value, done } = await this.#source.next()
    if (done) return false
    const unread = this.#view.length
    if (unread === 0) {
      this.#view = value
    } else {
      this.#hold(this.#view, unread + value.length)
      this.#buffer.set(value, unread)
      this.#view = this.#buffer.subarray(0, unread + value.length)
    }
    return true
  }

  /** Has the buffer begin with these bytes, in view, and end no sooner than after `length`. */
  #hold(bytes: Uint8Array, length: number): void {
    if (length > this.#buffer.length) this.#buffer = new Uint8Array(Math.max(length, this.#buffer.length * 2))
    this.#buffer.set(bytes)
    this.#view = this.#buffer.subarray(0, bytes.length)
  }

  /** Lets go of the source when its rest is not wanted. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }
}
