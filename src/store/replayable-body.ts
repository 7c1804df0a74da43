import { type Bytes, oneChunk, peek, readStream } from '../streams/bytes'
import { openInput, removeInputs, storeBody } from './inputs'

/** A longer body is stored in R2. An isolate has 128 MB for all its requests (platform §1). */
const MAX_MEMORY_BYTES = 1024 * 1024

/** A request's body that can be read several times. */
export class ReplayableBody {
  /** The length in bytes. */
  readonly bytes: number
  /** Opens the body for reading. Throws StoreError. */
  readonly open: () => Promise<Bytes>
  readonly #remove: () => Promise<void>
  readonly #readers: Promise<unknown>[] = []

  private constructor(bytes: number, open: () => Promise<Bytes>, remove: () => Promise<void>) {
    this.bytes = bytes
    this.open = open
    this.#remove = remove
  }

  /** Reads a whole body. Throws StoreError, and the errors of the bytes. */
  static async of(body: Bytes, bucket: R2Bucket): Promise<ReplayableBody> {
    const { head, all } = await peek(body, MAX_MEMORY_BYTES + 1)
    if (head.length <= MAX_MEMORY_BYTES) {
      const nothing = async (): Promise<void> => {}
      return new ReplayableBody(head.length, async () => oneChunk(head), nothing)
    }
    const { key, bytes } = await storeBody(bucket, all)
    const open = async (): Promise<Bytes> => readStream(await openInput(bucket, { key }))
    return new ReplayableBody(bytes, open, () => removeInputs(bucket, [key]))
  }

  /** Reads the whole body. Throws StoreError. */
  async *read(): Bytes {
    yield* await this.open()
  }

  /** Makes `remove` wait for the end of work that reads the body. */
  lend(work: Promise<unknown>): void {
    this.#readers.push(work)
  }

  /** Removes the stored body after all lent work. Never throws. */
  async remove(): Promise<void> {
    await Promise.allSettled(this.#readers)
    await this.#remove()
  }
}
