/** The longest time that a client waits for its answer. */
export interface Preference {
  /** The time in ms before the request becomes a job; undefined for as long as it takes. */
  waitMs: number | undefined
  /** The `Preference-Applied` header; undefined for none. */
  applied: string | undefined
}

/** The longest wait of any client. */
const MAX_WAIT_SECONDS = 3600

/** Reads the Prefer header (RFC 7240 §4.1, §4.3): `respond-async`, `wait=N` in seconds, or both; others are ignored. */
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
