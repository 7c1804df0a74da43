/** The wishes of a request about cached answers. */
export interface Freshness {
  /** Whether a cached answer may be served. */
  use: boolean
  /** Whether the new answer may be cached. */
  keep: boolean
  /** The oldest acceptable answer, in ms since 1970. */
  madeSinceMs: number
}

/**
 * Reads Cache-Control (RFC 9111 §5.2.1). `no-store` neither reads nor writes the cache, `no-cache` replaces the answer,
 * `max-age=N` is in seconds. Other directives are ignored. A fresh request is one of `no-store`, unless it names an age:
 * browsers send the other directives unasked.
 */
export function freshnessOf(cacheControl: string | undefined, nowMs: number, isFresh: boolean): Freshness {
  const directives = (cacheControl ?? '')
    .toLowerCase()
    .split(',')
    .map((each) => each.trim())
  const maxAge = directives.map((each) => /^max-age=(\d{1,10})$/.exec(each)?.[1]).find((each) => each !== undefined)
  const isAlone = directives.includes('no-store') || (isFresh && Number(maxAge ?? 0) === 0)
  if (isAlone) return { use: false, keep: false, madeSinceMs: nowMs }
  if (directives.includes('no-cache')) return { use: false, keep: true, madeSinceMs: nowMs }
  return { use: true, keep: true, madeSinceMs: maxAge === undefined ? 0 : nowMs - Number(maxAge) * 1000 }
}
