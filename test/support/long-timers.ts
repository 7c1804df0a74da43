import { vi } from 'vitest'

/** Shorter timers run by the clock, in ms. */
const LONG_MS = 3000

/** The default time-out of an upstream, in ms. */
export const UPSTREAM_MS = 300_000

/**
 * Holds long timers; the returned function ends those of up to so many ms that run now. They end in their own objects:
 * vitest's fake timers would end them in the test.
 */
export function holdLongTimers(): (ms: number) => void {
  const { setTimeout, setInterval, clearInterval } = globalThis
  const passed: number[] = []
  vi.spyOn(globalThis, 'setTimeout').mockImplementation((call, ms = 0) => {
    if (ms < LONG_MS) return setTimeout(call, ms)
    const since = passed.length
    const timer = setInterval(() => {
      if (!passed.slice(since).some((each) => each >= ms)) return
      clearInterval(timer)
      call()
    }, 5)
    return timer
  })
  return (ms) => void passed.push(ms)
}
