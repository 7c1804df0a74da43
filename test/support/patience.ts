import { vi } from 'vitest'

const waitFor = vi.waitFor.bind(vi)
const waitUntil = vi.waitUntil.bind(vi)

type Options = Parameters<typeof vi.waitUntil>[1]

/** A busy machine needs more than the second that vitest waits. */
const TIMEOUT_MS = 120_000

const patient = (options: Options): Options => {
  const { timeout, interval = 10 } = typeof options === 'object' ? options : { timeout: options }
  return { interval, timeout: Math.max(timeout ?? 0, TIMEOUT_MS) }
}

/** Has `vi.waitFor` and `vi.waitUntil` wait at least two minutes, and check every 10 ms. */
export function waitPatiently(): void {
  vi.waitFor = (check, options) => waitFor(check, patient(options))
  vi.waitUntil = (condition, options) => waitUntil(condition, patient(options))
}
