import * as z from 'zod'

/** The number of durations in each step; a step is a part of an octave. */
export type LatencyHistogram = Readonly<Record<string, number>>

/** Steps of an octave. The middle of a step is within 1.5 % of each of its durations. */
const STEPS = 24

/** The step of a duration in ms. The added ms gives 0 a step, and each of the first 30 ms one of its own. */
export const latencyStep = (ms: number): number => Math.floor(STEPS * Math.log2(Math.max(0, ms) + 1))

/** The duration in ms that is as near to both ends of a step, relative to them. */
function middleOf(step: number): number {
  const [low, high] = [2 ** (step / STEPS), 2 ** ((step + 1) / STEPS)]
  return Math.round((2 * low * high) / (low + high) - 1)
}

/** Adds the durations of histograms to one, `sign` times: 1 or -1. */
export function addLatencies(to: LatencyHistogram, more: readonly LatencyHistogram[], sign: 1 | -1): LatencyHistogram {
  const sums: Record<string, number> = { ...to }
  for (const each of more)
    for (const [step, count] of Object.entries(each)) sums[step] = (sums[step] ?? 0) + sign * count
  return Object.fromEntries(Object.entries(sums).filter(([, count]) => count !== 0))
}

/** The 95th percentile (nearest rank) in ms, within 2 % from 100 ms on; null without durations. */
export function p95Of(latencies: LatencyHistogram): number | null {
  const steps = Object.entries(latencies)
    .map(([step, count]) => ({ step: Number(step), count }))
    .toSorted((a, b) => a.step - b.step)
  const total = steps.reduce((sum, { count }) => sum + count, 0)
  let left = Math.ceil((total * 95) / 100)
  for (const { step, count } of steps) {
    left -= count
    if (left <= 0) return middleOf(step)
  }
  return null
}

/** A stored histogram. */
export const storedLatencies = z
  .string()
  .transform((text): unknown => JSON.parse(text))
  .pipe(z.record(z.string(), z.number()))
