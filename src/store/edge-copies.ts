import { withDeadline } from '../runtime/deadline'

/*
 * Copies of pictures in the cache of a data centre. A request gets one only with a valid link.
 * So origin and key alone identify a copy.
 */

/** The time for a look, in ms; R2 has the picture too. */
const LOOK_MS = 1000
/** The time for a whole picture, in ms. */
export const COPY_MS = 60_000
/** The time for a removal, in ms. */
const FORGET_MS = 5000

const edgeCopyUrl = (origin: string, key: string): string => `${origin}/${key}`

/** The copy of the picture under a key. Undefined when it is missing here, or when the cache fails or takes long. */
export const getEdgeCopy = async (origin: string, key: string): Promise<Response | undefined> =>
  await withDeadline(LOOK_MS, () => caches.default.match(edgeCopyUrl(origin, key))).catch(() => undefined)

/** The life of a copy, which may outlive the image in R2 by as much. */
export const EDGE_COPY_SECONDS = 3600

/** The key of a copy of the base64 of a picture. No link is signed for it, so that no client can read it. */
export const base64Key = (key: string): string => `${key}.base64`

/** Stores a copy for the time in its `cache-control`. */
export const putEdgeCopy = (origin: string, key: string, picture: Response): Promise<void> =>
  withDeadline(COPY_MS, () => caches.default.put(edgeCopyUrl(origin, key), picture))

/** The pictures that this isolate has found missing. A key never gets another picture. */
const missing = new Set<string>()

/** More of them are a new beginning: each costs some 150 bytes. */
const MOST_MISSING = 10_000

/** The life of the mark of a missing picture in the cache of a data centre. */
const MISSING_SECONDS = 3600

/** Whether a picture was found missing before, by this isolate. */
export const isNotedMissing = (key: string): boolean => missing.has(key)

/** Whether this data centre has a picture marked as missing; this isolate notes that. */
export async function isMarkedMissing(origin: string, key: string): Promise<boolean> {
  const isMarked = isMissingMark(await getEdgeCopy(origin, key))
  if (isMarked) note(key)
  return isMarked
}

/** Marks a missing picture in this isolate and in the cache of its data centre. Never throws. */
export async function markMissing(origin: string, key: string): Promise<void> {
  note(key)
  const headers = { 'cache-control': `public, max-age=${MISSING_SECONDS}` }
  await putEdgeCopy(origin, key, new Response(null, { status: MISSING_STATUS, headers })).catch(() => {})
}

function note(key: string): void {
  if (missing.size >= MOST_MISSING) missing.clear()
  missing.add(key)
}

const MISSING_STATUS = 404

/** Whether a copy is the mark of a missing picture. */
export const isMissingMark = (copy: Response | undefined): boolean => copy?.status === MISSING_STATUS

/** The calls of the cache that remove one picture. */
export const CALLS_PER_REMOVAL = 2

/** Removes the copies of a picture and of its base64 in this data centre only. Never throws. */
export async function removeEdgeCopies(origin: string, key: string): Promise<void> {
  const remove = (each: string): Promise<boolean> =>
    withDeadline(FORGET_MS, () => caches.default.delete(edgeCopyUrl(origin, each)))
  await Promise.allSettled([remove(key), remove(base64Key(key))])
}
