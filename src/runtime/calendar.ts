/** The UTC day of a time in ms since 1970, as YYYY-MM-DD. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** The UTC month of a time in ms since 1970, as YYYY-MM. */
export const monthOf = (ms: number): string => new Date(ms).toISOString().slice(0, 7)

/** The end of the UTC month of a time; both in ms since 1970. */
export function monthEndMs(ms: number): number {
  const date = new Date(ms)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
}
