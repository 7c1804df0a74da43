import { vi } from 'vitest'

/** Ends timers of exactly these lengths, in ms, at once. Timers of other lengths run by the clock. */
export function endAtOnce(...lengthsMs: readonly number[]): void {
  const { setTimeout } = globalThis
  vi.spyOn(globalThis, 'setTimeout').mockImplementation((call, ms = 0) =>
    setTimeout(call, lengthsMs.includes(ms) ? 0 : ms),
  )
}
