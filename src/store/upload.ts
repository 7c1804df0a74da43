import type { Bytes } from '../streams/bytes'
import { withDeadline } from '../runtime/deadline'
import { READ_MS, WRITE_MS } from './retries'
import { writeStored } from './writes'

/**
 * The smallest part that R2 takes (platform §1). All parts but the last are equal, and a smaller object takes one put.
 */
const PART_BYTES = 5 * 1024 * 1024
const FIRST_BYTES = 256 * 1024

/** The key of an object, and a check for its existence. */
interface UploadTarget {
  key: string
  mediaType: string
  exists?: () => Promise<boolean>
}

/** Chooses the target by the first part. `whole` means that no more parts follow. */
type Choose = (first: Uint8Array, whole: boolean) => UploadTarget | Promise<UploadTarget>

/** One buffer is kept for the next upload of the isolate, because pictures in a row would leave one each. */
let spare: Uint8Array<ArrayBuffer> | undefined

/** Runs a write, for example while another deadline stands still. */
export type Around = <T>(work: () => Promise<T>) => Promise<T>

/** Writes bytes of any length to R2 and holds one part at a time. Throws StoreError, and the errors of the bytes. */
export async function upload(
  bucket: R2Bucket,
  bytes: Bytes,
  choose: Choose,
  around: Around = (work) => work(),
): Promise<{ key: string; mediaType: string; bytes: number }> {
  const part = new PartBuffer(bytes, spare)
  const onLate = (): void => part.giveUp()
  spare = undefined
  try {
    const whole = await part.fill()
    const { key, mediaType, exists } = await choose(part.view, whole)
    const options = { httpMetadata: { contentType: mediaType } }
    if (whole) {
      await around(() => writeStored(async () => (await exists?.()) || bucket.put(key, part.view, options), { onLate }))
      return { key, mediaType, bytes: part.view.length }
    }
    const multipart = await around(() => writeStored(() => bucket.createMultipartUpload(key, options)))
    try {
      const parts = await uploadParts(multipart, part, around)
      // Completion cannot be repeated, so an existing object counts as a completion with a lost answer.
      const complete = (): Promise<R2Object> =>
        withDeadline(WRITE_MS, () => multipart.complete(parts)).catch(
          async (error: unknown) => (await withDeadline(READ_MS, () => bucket.head(key))) ?? Promise.reject(error),
        )
      const object = await around(() => writeStored(complete, { deadlineMs: 2 * WRITE_MS }))
      return { key, mediaType, bytes: object.size }
    } catch (error) {
      await withDeadline(READ_MS, () => multipart.abort()).catch(() => {})
      throw error
    }
  } finally {
    spare = await part.close()
  }
}

async function uploadParts(multipart: R2MultipartUpload, part: PartBuffer, around: Around): Promise<R2UploadedPart[]> {
  const uploaded: R2UploadedPart[] = []
  const onLate = (): void => part.giveUp()
  for (let last = false; ; last = await part.fill()) {
    const number = uploaded.length + 1
    if (part.view.length > 0)
      uploaded.push(await around(() => writeStored(() => multipart.uploadPart(number, part.view), { onLate })))
    if (last) return uploaded
  }
}

/** One part of the bytes, in a reused buffer that grows up to the part's size. */
class PartBuffer {
  readonly #source: AsyncIterator<Uint8Array>
  #buffer: Uint8Array<ArrayBuffer>
  #end = 0
  #carry: Uint8Array = new Uint8Array(0)
  #isGivenUp = false

  constructor(bytes: Bytes, buffer = new Uint8Array(FIRST_BYTES)) {
    this.#source = bytes[Symbol.asyncIterator]()
    this.#buffer = buffer
  }

  get view(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#end)
  }

  /** Leaves the buffer to a late write once the part is stored. */
  giveUp(): void {
    this.#isGivenUp = true
  }

  /** Fills the part. True at the end of the source, with the last bytes in view. */
  async fill(): Promise<boolean> {
    this.#end = 0
    if (this.#isGivenUp) this.#buffer = new Uint8Array(PART_BYTES)
    this.#isGivenUp = false
    for (;;) {
      this.#append()
      if (this.#carry.length > 0) return false
      const { value, done } = await this.#source.next()
      if (done) return true
      this.#carry = value
    }
  }

  /** Moves bytes of the carried chunk into the part, as far as they fit. */
  #append(): void {
    const count = Math.min(this.#carry.length, PART_BYTES - this.#end)
    while (this.#end + count > this.#buffer.length) this.#grow()
    this.#buffer.set(this.#carry.subarray(0, count), this.#end)
    this.#end += count
    this.#carry = this.#carry.subarray(count)
  }

  #grow(): void {
    const larger = new Uint8Array(Math.min(this.#buffer.length * 2, PART_BYTES))
    larger.set(this.view)
    this.#buffer = larger
  }

  /** Closes the source, and returns the buffer unless a late write may read it. */
  async close(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    await this.#source.return?.()
    return this.#isGivenUp ? undefined : this.#buffer
  }
}
