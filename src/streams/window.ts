import type { Bytes } from './bytes'

const BYTE_ORDER_MARK = Uint8Array.of(0xef, 0xbb, 0xbf)

/** A sliding view over streamed bytes. A parser looks at the view, skips what it has read, and asks for more. */
export class Window {
  readonly #source: AsyncIterator<Uint8Array>
  /** Holds unread bytes of several chunks. A chunk without unread bytes before it is viewed in place. */
  #buffer = new Uint8Array(0)
  #view: Uint8Array = this.#buffer
  #offset = 0

  constructor(bytes: Bytes) {
    this.#source = bytes[Symbol.asyncIterator]()
  }

  /** The unread bytes that have arrived. Valid until `more`. */
  get view(): Uint8Array {
    return this.#view
  }

  /** The number of skipped bytes. */
  get offset(): number {
    return this.#offset
  }

  skip(count: number): void {
    this.#offset += count
    this.#view = this.#view.subarray(count)
  }

  /** Appends the next bytes to the view. False at the end of the source. */
  async more(): Promise<boolean> {
    // The next chunk reuses the memory under the unread bytes.
    if (this.#view.length > 0) this.#hold(this.#view, this.#view.length)
    const { value, done } = await this.#source.next()
    const unread = this.#view.length
    if (done) {
      // The memory of an empty view may be gone.
      if (unread === 0) this.#view = this.#buffer.subarray(0, 0)
      return false
    }
    if (unread === 0) {
      this.#view = value
    } else {
      this.#hold(this.#view, unread + value.length)
      this.#buffer.set(value, unread)
      this.#view = this.#buffer.subarray(0, unread + value.length)
    }
    return true
  }

  /** Skips a UTF-8 byte order mark. It waits for no byte that cannot be a part of one. */
  async skipByteOrderMark(): Promise<void> {
    for (const [at, byte] of BYTE_ORDER_MARK.entries()) {
      while (this.#view.length <= at) if (!(await this.more())) return
      if (this.#view[at] !== byte) return
    }
    this.skip(BYTE_ORDER_MARK.length)
  }

  /** Skips all bytes to the end of the source. Stops with false at one that is not expected. */
  async endsIn(isExpected: (byte: number) => boolean): Promise<boolean> {
    do {
      if (!this.#view.every(isExpected)) return false
      this.skip(this.#view.length)
    } while (await this.more())
    return true
  }

  /** Moves bytes to the start of the buffer, which has room for at least `length`. */
  #hold(bytes: Uint8Array, length: number): void {
    if (length > this.#buffer.length) this.#buffer = new Uint8Array(Math.max(length, this.#buffer.length * 2))
    this.#buffer.set(bytes)
    this.#view = this.#buffer.subarray(0, bytes.length)
  }

  /** Closes the source before its end. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }
}
