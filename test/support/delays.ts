const FOREVER_MS = 2 ** 31 - 1

/** Holds a timer throughout, since workerd ends a request without a pending event. */
export const silence = (signal: AbortSignal): Promise<void> => timer(FOREVER_MS, signal)

/** The timers of a delay, and the shortest one in ms. */
const [MOST_TIMERS, SHORTEST_MS] = [20, 5]

/**
 * Waits so many ms, by timers one after the other. A process that stood still ends at most one of them late. All
 * other work catches up before the next. Rejects with the reason of an aborted signal, as `fetch` does.
 */
export async function wait(ms: number, signal: AbortSignal): Promise<void> {
  const timers = Math.min(MOST_TIMERS, Math.ceil(ms / SHORTEST_MS))
  for (let ended = 0; ended < timers; ended++) await timer(ms / timers, signal)
}

function timer(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const stop = (): void => {
      clearTimeout(ending)
      reject(signal.reason)
    }
    const ending = setTimeout(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal.addEventListener('abort', stop, { once: true })
  })
}
