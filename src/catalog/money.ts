/** An amount as headers show it: in USD, to the micro-USD. */
export const usd = (microUsd: number): string => (microUsd / 1_000_000).toFixed(6)

/** An amount in whole credits, of which there are so many to the USD. */
export const credits = (microUsd: number, creditsPerUsd: number): number =>
  Math.round((microUsd * creditsPerUsd) / 1_000_000)
