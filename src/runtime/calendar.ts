/** The UTC day of a time in ms since 1970, as YYYY-MM-DD. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** The UTC month of a time in ms since 1970, as YYYY-MM. */
export const monthOf = (ms: number): string => new Date(ms).toISOString().slice(0, 7)
