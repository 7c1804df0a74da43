/** What a request says of stored answers. */
export interface Freshness {
  /** Whether a stored answer may be given. */
  use: boolean
  /** Whether this answer may be stored for others. */
  keep: boolean
  /** An answer made before this, in ms since 1970, is too old. */
  madeSinceMs: number
}

/**
 * Reads a request's Cache-Control (RFC 9111 §5.2.1, of which three directives make sense here): `no-store` neither uses
 * nor keeps, `no-cache` makes anew and replaces, `max-age=N` is in seconds.
 */
export function freshnessOf(cacheControl: string | undefined, nowMs: number): Freshness {
  const directives = (cacheControl ?? '')
    .toLowerCase()
    .split(',')
    .map((each) => each.trim())
  if (directives.includes('no-store')) return { use: false, keep: false, madeSinceMs: nowMs }
  if (directives.includes('no-cache')) return { use: false, keep: true, madeSinceMs: nowMs }
  const maxAge = directives.map((each) => /^max-age=(\d{1,10})$/.exec(each)?.[1]).find((each) => each !== undefined)
  return { use: true, keep: true, madeSinceMs: maxAge === undefined ? 0 : nowMs - Number(maxAge) * 1000 }
}
