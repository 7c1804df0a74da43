import { vi } from 'vitest'

const waitFor = vi.waitFor.bind(vi)
const waitUntil = vi.waitUntil.bind(vi)

type Options = Parameters<typeof vi.waitUntil>[1]

/** A busy machine needs more than the second that vitest waits. */
const TIMEOUT_MS = 120_000

const patient = (options: Options, intervalMs: number): Options => {
  const { timeout, interval = intervalMs } = typeof options === 'object' ? options : { timeout: options }
  return { interval, timeout: Math.max(timeout ?? 0, TIMEOUT_MS) }
}

/** Has `vi.waitFor` and `vi.waitUntil` wait at least two minutes, and check every so many ms by default. */
export function waitPatiently(intervalMs = 10): void {
  vi.waitFor = (check, options) => waitFor(check, patient(options, intervalMs))
  vi.waitUntil = (condition, options) => waitUntil(condition, patient(options, intervalMs))
}
