import { createHash, type Hash } from 'node:crypto'
import { sniff } from '../image/media-type'
import type { InputImage } from '../image/request'
import type { Bytes } from '../streams/bytes'
import { NotAnImage } from './images'
import { upload } from './upload'

const inputKey = (sha256: string): string => `inputs/${sha256}`
const stagingKey = (): string => `inputs/staging/${crypto.randomUUID()}`

/** What image models take as input (protocols §1.3); an SVG or a GIF would be refused after it was paid for. */
const INPUT_TYPES = ['image/png', 'image/jpeg', 'image/webp']

/**
 * Stores an input picture under the hash of its content. What does not fit in one put has to be under way before its
 * hash is known, so it is staged and then copied inside R2. Throws NotAnImage, and what reading the bytes or R2 throws.
 */
export async function put(bucket: R2Bucket, bytes: Bytes): Promise<InputImage> {
  const hash = createHash('sha256')
  const written = await upload(bucket, hashing(bytes, hash), async (first, whole) => {
    const mediaType = sniff(first)
    if (!mediaType || !INPUT_TYPES.includes(mediaType)) throw new NotAnImage()
    if (!whole) return { key: stagingKey(), mediaType }
    const key = inputKey(hash.copy().digest('hex'))
    return { key, mediaType, stored: await exists(bucket, key) }
  })
  const sha256 = hash.digest('hex')
  const key = inputKey(sha256)
  if (written.key !== key) await publish(bucket, written, key)
  return { ...written, key, sha256 }
}

/** Reads an input picture. Throws where it is not there any more. */
export async function open(bucket: R2Bucket, input: InputImage): Promise<ReadableStream<Uint8Array>> {
  const object = await bucket.get(input.key)
  if (!object) throw new Error(`the input image ${input.key} is not in R2`)
  return object.body
}

async function publish(bucket: R2Bucket, staged: { key: string; mediaType: string }, key: string): Promise<void> {
  if (!(await exists(bucket, key))) {
    const object = await bucket.get(staged.key)
    if (!object) throw new Error(`the staged input ${staged.key} is not in R2`)
    await bucket.put(key, object.body, { httpMetadata: { contentType: staged.mediaType } })
  }
  await bucket.delete(staged.key)
}

const exists = async (bucket: R2Bucket, key: string): Promise<boolean> => (await bucket.head(key)) !== null

async function* hashing(bytes: Bytes, hash: Hash): Bytes {
  for await (const chunk of bytes) {
    hash.update(chunk)
    yield chunk
  }
}
