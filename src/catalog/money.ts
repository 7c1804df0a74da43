const MICRO = 1_000_000

/** So many USD in micro-USD, not rounded. */
export const inMicroUsd = (usd: number): number => usd * MICRO

/** So many micro-USD in USD. */
export const inUsd = (microUsd: number): number => microUsd / MICRO

/** An amount as headers show it: in USD, to the micro-USD. */
export const usd = (microUsd: number): string => inUsd(microUsd).toFixed(6)

/** An amount in whole credits, of which there are so many to the USD. */
export const credits = (microUsd: number, creditsPerUsd: number): number =>
  Math.round((microUsd * creditsPerUsd) / MICRO)
