/**
 * The wait of a `retry-after` header in ms: seconds, or a date (RFC 9110 §10.2.3).
 * A past date gives a negative number, any other value undefined.
 */
export function retryAfterHeaderMs(value: string | null, nowMs: number): number | undefined {
  if (value === null) return undefined
  if (/^\d+(?:\.\d+)?$/.test(value)) return Number(value) * 1000
  const dateMs = Date.parse(value)
  return Number.isNaN(dateMs) ? undefined : dateMs - nowMs
}
