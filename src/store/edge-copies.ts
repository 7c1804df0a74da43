import { withDeadline } from '../runtime/deadline'

/*
 * Copies of pictures in the cache of a data centre. A request gets one only with a valid link.
 * So origin and key alone identify a copy.
 */

/** The time for a look, in ms; R2 has the picture too. */
const LOOK_MS = 1000
/** The time for a whole picture, in ms. */
const COPY_MS = 60_000
/** The time for a removal, in ms. */
const FORGET_MS = 5000

const edgeCopyUrl = (origin: string, key: string): string => `${origin}/${key}`

/** The copy of the picture under a key. Undefined when it is missing here, or when the cache fails or takes long. */
export const getEdgeCopy = async (origin: string, key: string): Promise<Response | undefined> =>
  await withDeadline(LOOK_MS, () => caches.default.match(edgeCopyUrl(origin, key))).catch(() => undefined)

/** Stores a copy for the time in its `cache-control`. */
export const putEdgeCopy = (origin: string, key: string, picture: Response): Promise<void> =>
  withDeadline(COPY_MS, () => caches.default.put(edgeCopyUrl(origin, key), picture))

/** Removes the copy of this data centre only. */
export const removeEdgeCopy = (origin: string, key: string): Promise<boolean> =>
  withDeadline(FORGET_MS, () => caches.default.delete(edgeCopyUrl(origin, key)))
