/*
 * The copies of pictures that a data centre keeps near whoever looks at them. Whoever asks for one has shown the signature of
 * its link, so that the picture's key alone, at an origin, says what it is.
 */

const edgeCopyUrl = (origin: string, key: string): string => `${origin}/${key}`

/** The copy of the picture under a key; undefined where there is none here, or the cache is in trouble. */
export const getEdgeCopy = async (origin: string, key: string): Promise<Response | undefined> =>
  await caches.default.match(edgeCopyUrl(origin, key)).catch(() => undefined)

/** Leaves a copy behind, for as long as its `cache-control` says. */
export const putEdgeCopy = (origin: string, key: string, picture: Response): Promise<void> =>
  caches.default.put(edgeCopyUrl(origin, key), picture)

/** Removes the copy that this data centre has, and no other. */
export const removeEdgeCopy = (origin: string, key: string): Promise<boolean> =>
  caches.default.delete(edgeCopyUrl(origin, key))
