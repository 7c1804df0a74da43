/*
 * Copies of pictures in the cache of a data centre. A request gets one only with a valid link.
 * So origin and key alone identify a copy.
 */

const edgeCopyUrl = (origin: string, key: string): string => `${origin}/${key}`

/** The copy of the picture under a key. Undefined when it is missing here, or when the cache fails. */
export const getEdgeCopy = async (origin: string, key: string): Promise<Response | undefined> =>
  await caches.default.match(edgeCopyUrl(origin, key)).catch(() => undefined)

/** Stores a copy for the time in its `cache-control`. */
export const putEdgeCopy = (origin: string, key: string, picture: Response): Promise<void> =>
  caches.default.put(edgeCopyUrl(origin, key), picture)

/** Removes the copy of this data centre only. */
export const removeEdgeCopy = (origin: string, key: string): Promise<boolean> =>
  caches.default.delete(edgeCopyUrl(origin, key))
