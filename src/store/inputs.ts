import { createHash, type Hash } from 'node:crypto'
import { sniff } from '../image/media-type'
import { describe, log } from '../runtime/log'
import type { InputImage } from '../image/request'
import type { Bytes } from '../streams/bytes'
import { NotAnImage } from './images'
import { StoreError, withRetries } from './retries'
import { upload } from './upload'

const inputKey = (sha256: string): string => `inputs/${sha256}`
const stagingKey = (): string => `inputs/staging/${crypto.randomUUID()}`

/** The input types of image models (protocols §1.3). A model would refuse an SVG or a GIF after it was paid for. */
const INPUT_TYPES = ['image/png', 'image/jpeg', 'image/webp']

/**
 * Stores an input picture under the hash of its content.
 * A large picture is uploaded before its hash is known, so it is staged and copied inside R2. Throws NotAnImage,
 * StoreError, and the errors of the bytes.
 */
export async function putInput(bucket: R2Bucket, bytes: Bytes): Promise<InputImage> {
  const hash = createHash('sha256')
  const written = await upload(bucket, hashing(bytes, hash), (first, whole) => {
    const mediaType = sniff(first)
    if (!mediaType || !INPUT_TYPES.includes(mediaType)) throw new NotAnImage()
    if (!whole) return { key: stagingKey(), mediaType }
    const key = inputKey(hash.copy().digest('hex'))
    return { key, mediaType, exists: () => exists(bucket, key) }
  })
  const sha256 = hash.digest('hex')
  const key = inputKey(sha256)
  if (written.key !== key) await publish(bucket, written, key)
  return { ...written, key, sha256 }
}

/**
 * Stores a body of any type for the time of its request; `removeStaged` removes it. Throws StoreError, and the errors
 * of the bytes.
 */
export const stageBody = (bucket: R2Bucket, bytes: Bytes): Promise<{ key: string; bytes: number }> =>
  upload(bucket, bytes, () => ({ key: stagingKey(), mediaType: 'application/octet-stream' }))

/** Removes a staged body. Never throws. */
export async function removeStaged(bucket: R2Bucket, key: string): Promise<void> {
  await bucket.delete(key).catch((error: unknown) => log('staged-input-left', { key, ...describe(error) }))
}

/** Reads an input picture or a staged body. Throws StoreError, also when it is missing. */
export async function openInput(bucket: R2Bucket, input: Pick<InputImage, 'key'>): Promise<ReadableStream<Uint8Array>> {
  const object = await withRetries(() => bucket.get(input.key))
  if (!object) throw new StoreError(new Error(`the input ${input.key} is not in R2`))
  return object.body
}

/** Another request with the same picture may have published it first. */
async function publish(bucket: R2Bucket, staged: { key: string; mediaType: string }, key: string): Promise<void> {
  try {
    await withRetries(async () => (await exists(bucket, key)) || copyStaged(bucket, staged, key))
  } finally {
    await removeStaged(bucket, staged.key)
  }
}

async function copyStaged(bucket: R2Bucket, from: { key: string; mediaType: string }, key: string): Promise<void> {
  const object = await bucket.get(from.key)
  if (!object) throw new Error(`the staged input ${from.key} is not in R2`)
  await bucket.put(key, object.body, { httpMetadata: { contentType: from.mediaType } })
}

const exists = async (bucket: R2Bucket, key: string): Promise<boolean> => (await bucket.head(key)) !== null

async function* hashing(bytes: Bytes, hash: Hash): Bytes {
  for await (const chunk of bytes) {
    hash.update(chunk)
    yield chunk
  }
}
