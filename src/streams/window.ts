import type { Bytes } from './bytes'

/** A sliding view over passing bytes: a parser looks at what has arrived, skips what it has read and asks for more. */
export class Window {
  readonly #source: AsyncIterator<Uint8Array>
  #buffer = new Uint8Array(64 * 1024)
  #start = 0
  #end = 0

  constructor(bytes: Bytes) {
    this.#source = bytes[Symbol.asyncIterator]()
  }

  /** The bytes that have arrived and are not skipped; valid until `more`. */
  get view(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end)
  }

  skip(count: number): void {
    this.#start += count
  }

  /** Waits for the next bytes and puts them behind those in view; false at the end of the source. */
  async more(): Promise<boolean> {
    const { value, done } = await this.#source.next()
    if (done) return false
    const unread = this.view
    const needed = unread.length + value.length
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2))
      larger.set(unread)
      this.#buffer = larger
    } else {
      this.#buffer.copyWithin(0, this.#start, this.#end)
    }
    this.#start = 0
    this.#end = needed
    this.#buffer.set(value, unread.length)
    return true
  }

  /** Lets go of the source when its rest is not wanted. */
  async close(): Promise<void> {
    await this.#source.return?.()
  }
}
