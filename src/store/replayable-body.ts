import { type Bytes, oneChunk, peek, readStream } from '../streams/bytes'
import { openInput, removeStaged, stageBody } from './inputs'

/** A longer one is staged in R2: an isolate has 128 MB for all the requests that it serves at once (platform §1). */
const MAX_MEMORY_BYTES = 1024 * 1024

/** A request's body that can be read more than once. */
export class ReplayableBody {
  /** Its length. */
  readonly bytes: number
  /** Begins to read it. Throws StoreError. */
  readonly open: () => Promise<Bytes>
  readonly #remove: () => Promise<void>
  readonly #readers: Promise<unknown>[] = []

  private constructor(bytes: number, open: () => Promise<Bytes>, remove: () => Promise<void>) {
    this.bytes = bytes
    this.open = open
    this.#remove = remove
  }

  /** Takes all of a body in. Throws StoreError, and what reading the bytes throws. */
  static async of(body: Bytes, bucket: R2Bucket): Promise<ReplayableBody> {
    const { head, all } = await peek(body, MAX_MEMORY_BYTES + 1)
    if (head.length <= MAX_MEMORY_BYTES) {
      const nothing = async (): Promise<void> => {}
      return new ReplayableBody(head.length, async () => oneChunk(head), nothing)
    }
    const { key, bytes } = await stageBody(bucket, all)
    const open = async (): Promise<Bytes> => readStream(await openInput(bucket, { key }))
    return new ReplayableBody(bytes, open, () => removeStaged(bucket, key))
  }

  /** All of it. Throws StoreError. */
  async *read(): Bytes {
    yield* await this.open()
  }

  /** Has `remove` wait for somebody who may read it until then. */
  lend(work: Promise<unknown>): void {
    this.#readers.push(work)
  }

  /** Removes what R2 has of it, once all to whom it is lent have ended. Never throws. */
  async remove(): Promise<void> {
    await Promise.allSettled(this.#readers)
    await this.#remove()
  }
}
