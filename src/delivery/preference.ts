/** What a request says of how long it wants to wait for its answer. */
export interface Preference {
  /** For how long, in ms, before it is told where the answer will be; undefined: as long as it takes. */
  waitMs: number | undefined
  /** As `Preference-Applied` tells it. */
  applied: string
}

/** Longer than that no client waits. */
const MAX_WAIT_SECONDS = 3600

/** Reads a request's Prefer (RFC 7240 §4.1, §4.3): `respond-async`, `wait=N` in seconds, or both; others mean nothing here. */
export function preferenceOf(prefer: string | undefined): Preference {
  const preferences = (prefer ?? '')
    .toLowerCase()
    .split(',')
    .map((each) => each.split(';')[0]?.trim() ?? '')
  const wait = preferences
    .map((each) => /^wait\s*=\s*"?(\d{1,9})"?$/.exec(each)?.[1])
    .find((each) => each !== undefined)
  const isAsync = preferences.includes('respond-async')
  if (wait === undefined) return isAsync ? { waitMs: 0, applied: 'respond-async' } : { waitMs: undefined, applied: '' }
  const seconds = Math.min(Number(wait), MAX_WAIT_SECONDS)
  return { waitMs: seconds * 1000, applied: `${isAsync ? 'respond-async, ' : ''}wait=${seconds}` }
}
