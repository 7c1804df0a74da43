import { type Failure, GatewayError } from '../failures/errors'
import type { Bytes } from '../streams/bytes'

/** A longer body is a large upload; each holds up to 6 MiB of the isolate's 128 (platform §1). */
export const LARGE_UPLOAD_BYTES = 1024 * 1024

/** The most large uploads at once, of one key and of the isolate. */
const MAX_OF_KEY = 8
const MAX_OF_ISOLATE = 12

/** The large uploads that this isolate reads, by key. */
const uploads = new Map<string, number>()

/**
 * Reads an upload in one of the places of its key and of the isolate, from more than `freeBytes` on. Throws GatewayError
 * without a place.
 */
export async function* inPlace(bytes: Bytes, key: string, freeBytes: number): Bytes {
  let seen = 0
  let leave: (() => void) | undefined
  try {
    for await (const chunk of bytes) {
      seen += chunk.length
      if (seen > freeBytes) leave ??= takePlace(key)
      yield chunk
    }
  } finally {
    leave?.()
  }
}

/** Takes a place, and returns the way to leave it. Throws GatewayError without one. */
function takePlace(key: string): () => void {
  const own = uploads.get(key) ?? 0
  if (own >= MAX_OF_KEY) throw new GatewayError(TOO_MANY_OF_KEY)
  if ([...uploads.values()].reduce((sum, each) => sum + each, 0) >= MAX_OF_ISOLATE) throw new GatewayError(TOO_MANY)
  uploads.set(key, own + 1)
  return () => {
    const left = (uploads.get(key) ?? 1) - 1
    if (left > 0) uploads.set(key, left)
    else uploads.delete(key)
  }
}

const RETRY_MS = 2000

const TOO_MANY_OF_KEY: Failure = {
  code: 'rate_limited',
  message: `This key sends ${MAX_OF_KEY} large requests at the same time. Try again when one of them has arrived.`,
  reason: 'rate_limit_exceeded',
  retryAfterMs: RETRY_MS,
}

const TOO_MANY: Failure = {
  code: 'unavailable',
  message: 'The gateway receives many large requests at the moment. Try again in a few seconds.',
  retryAfterMs: RETRY_MS,
}
