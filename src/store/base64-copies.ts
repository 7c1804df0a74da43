import type { StoredImage } from '../image/record'
import { describe, log } from '../runtime/log'
import { base64Length, writeBase64 } from '../streams/base64'
import { base64Key, COPY_MS, EDGE_COPY_SECONDS, getEdgeCopy, putEdgeCopy } from './edge-copies'
import { openImage } from './images'

/*
 * Copies of the base64 of pictures in the cache of a data centre. An answer with one needs neither R2 nor an encoder.
 */

/** Larger pictures are rare, and their copies would push out many others. */
const LARGEST_BYTES = 16 * 1024 * 1024

/** The base64 of a picture. Undefined when it is missing here, or when the cache fails or takes long. */
export async function getBase64Copy(origin: string, { key, bytes }: StoredImage): Promise<ReadableStream | undefined> {
  if (bytes > LARGEST_BYTES) return undefined
  const copy = await getEdgeCopy(origin, base64Key(key))
  return copy?.body ?? undefined
}

/** The most copies that an isolate makes at once. A request has six calls at once (platform §1), and its answer needs some. */
const MOST_AT_ONCE = 4

/** The beginnings of the copies that this isolate is making, by their keys, in ms since 1970. */
const inTheMaking = new Map<string, number>()

/** Whether an isolate may begin a copy. The platform ends some without a word, so that none counts for long. */
function mayBegin(key: string, nowMs: number): boolean {
  for (const [each, begunMs] of inTheMaking) if (nowMs - begunMs > COPY_MS) inTheMaking.delete(each)
  return inTheMaking.size < MOST_AT_ONCE && !inTheMaking.has(key)
}

/** Leaves a copy for an hour, from a read of its own. Never throws. */
export async function leaveBase64Copy(origin: string, bucket: R2Bucket, image: StoredImage): Promise<void> {
  const { key, bytes } = image
  const nowMs = Date.now()
  if (bytes > LARGEST_BYTES || !mayBegin(key, nowMs)) return
  inTheMaking.set(key, nowMs)
  try {
    await copyBase64(origin, bucket, image)
  } catch (error) {
    log('base64-not-cached', { key, ...describe(error) })
  } finally {
    inTheMaking.delete(key)
  }
}

/** The copy is a second read of R2: one stream with two readers buffers the distance between them in memory. */
async function copyBase64(origin: string, bucket: R2Bucket, { key, bytes }: StoredImage): Promise<void> {
  const object = await openImage(bucket, key)
  if (!object) return
  const { readable, writable } = new FixedLengthStream(base64Length(bytes))
  const writer = writable.getWriter()
  const headers = {
    'content-type': 'application/octet-stream',
    'cache-control': `public, max-age=${EDGE_COPY_SECONDS}`,
  }
  const written = writeBase64(object.body, writer).then(() => writer.close())
  try {
    await Promise.all([putEdgeCopy(origin, base64Key(key), new Response(readable, { headers })), written])
  } catch (error) {
    await writer.abort(error).catch(() => {})
    throw error
  }
}
