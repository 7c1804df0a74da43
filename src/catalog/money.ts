const MICRO = 1_000_000

/** USD in micro-USD, not rounded. */
export const inMicroUsd = (usd: number): number => usd * MICRO

/** Micro-USD in USD. */
export const inUsd = (microUsd: number): number => microUsd / MICRO

/** USD with six decimals, as headers have it. */
export const usd = (microUsd: number): string => inUsd(microUsd).toFixed(6)

/** An amount in whole credits. */
export const credits = (microUsd: number, creditsPerUsd: number): number =>
  Math.round((microUsd * creditsPerUsd) / MICRO)
