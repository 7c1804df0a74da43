import { createHash, type Hash } from 'node:crypto'
import { inputTypeOf, kindInWords } from '../image/input-kind'
import { DAY_MS } from '../runtime/durations'
import { withDeadline } from '../runtime/deadline'
import { describe, log } from '../runtime/log'
import type { ImageRequest, InputImage } from '../image/request'
import { type Bytes, oneChunk, peek } from '../streams/bytes'
import { NotAnImage } from './images'
import { READ_MS, StoreError, withRetries, WRITE_MS } from './retries'
import { upload } from './upload'

const INPUT_PREFIX = 'inputs/'

/** A key of its own for each picture and body; the day of its request tells the sweep its age. */
const newKey = (): string => `${INPUT_PREFIX}${new Date().toISOString().slice(0, 10)}/${crypto.randomUUID()}`

/** A read picture. A held one is in memory until `storeHeld`. */
export interface ReadInput {
  input: InputImage
  held?: Uint8Array
}

/**
 * Reads an input picture: up to `maxHeld` bytes into memory, a larger one into R2. Throws NotAnImage, StoreError, and
 * the errors of the bytes.
 */
export async function readInput(bucket: R2Bucket, bytes: Bytes, maxHeld: number): Promise<ReadInput> {
  const hash = createHash('sha256')
  const key = newKey()
  const { head, all } = await peek(hashing(bytes, hash), maxHeld + 1)
  if (head.length <= maxHeld) {
    const mediaType = supportedTypeOf(head)
    return { input: { key, sha256: hash.digest('hex'), bytes: head.length, mediaType }, held: head }
  }
  const written = await upload(bucket, all, (first) => ({ key, mediaType: supportedTypeOf(first) }))
  return { input: { ...written, sha256: hash.digest('hex') } }
}

/** Stores a held picture. Throws StoreError. */
export async function storeHeld(bucket: R2Bucket, { key, mediaType }: InputImage, held: Uint8Array): Promise<void> {
  await upload(bucket, oneChunk(held), () => ({ key, mediaType }))
}

function supportedTypeOf(first: Uint8Array): string {
  const mediaType = inputTypeOf(first)
  if (!mediaType) throw new NotAnImage(kindInWords(first))
  return mediaType
}

/**
 * Stores a body of any type for the time of its request; `removeInputs` removes it. Throws StoreError, and the errors
 * of the bytes.
 */
export const storeBody = (bucket: R2Bucket, bytes: Bytes): Promise<{ key: string; bytes: number }> =>
  upload(bucket, bytes, () => ({ key: newKey(), mediaType: 'application/octet-stream' }))

/** Removes input pictures or bodies. The sweep removes those that stay after a failure. Never throws. */
export async function removeInputs(bucket: R2Bucket, keys: string[]): Promise<void> {
  if (keys.length === 0) return
  await withDeadline(WRITE_MS, () => bucket.delete(keys)).catch((error: unknown) =>
    log('inputs-not-removed', { keys: keys.length, ...describe(error) }),
  )
}

/** The keys of the input pictures that belong to one request alone; those of earlier versions may belong to several. */
export const ownInputKeys = ({ images, mask, markup }: ImageRequest): string[] =>
  [...images, mask, markup].flatMap((input) => (input && DAY_KEY.test(input.key) ? [input.key] : []))

const DAY_KEY = /^inputs\/(\d{4}-\d{2}-\d{2})\//

/** Reads an input picture or a stored body. Throws StoreError, also when it is missing. */
export async function openInput(bucket: R2Bucket, input: Pick<InputImage, 'key'>): Promise<ReadableStream<Uint8Array>> {
  const object = await withRetries(() => bucket.get(input.key), { deadlineMs: READ_MS })
  if (!object) throw new StoreError(new Error(`the input ${input.key} is not in R2`))
  return object.body
}

/** Longer than any job: its run ends within a day. */
const INPUT_LIFE_MS = 3 * DAY_MS

/** Removes inputs that broken requests have left, on up to `maxPages` pages. `nowMs` is in ms since 1970. */
export async function sweepInputs(bucket: R2Bucket, nowMs: number, maxPages: number): Promise<void> {
  const limitMs = nowMs - INPUT_LIFE_MS
  let cursor: string | undefined
  for (let page = 0; page < maxPages; page++) {
    const from = cursor === undefined ? {} : { cursor }
    const listed = await withRetries(() => bucket.list({ prefix: INPUT_PREFIX, ...from }))
    await removeInputs(
      bucket,
      listed.objects.filter(({ uploaded }) => uploaded.getTime() < limitMs).map(({ key }) => key),
    )
    if (!listed.truncated) return
    cursor = listed.cursor
  }
}

async function* hashing(bytes: Bytes, hash: Hash): Bytes {
  for await (const chunk of bytes) {
    hash.update(chunk)
    yield chunk
  }
}
