import { DeadlineExceeded, withDeadline } from './deadline'

/** Runs work that has a deadline of its own, while the other one stands still. */
export type Pausing = <T>(work: () => Promise<T>) => Promise<T>

/** The longest time of a timer, in ms. */
const LONGEST_MS = 2 ** 31 - 1

/** Runs a task as `withDeadline` does. The deadline stands still during pauses. */
export async function withPausingDeadline<T>(
  milliseconds: number,
  run: (signal: AbortSignal, pausing: Pausing) => Promise<T>,
  cancel: AbortSignal,
): Promise<T> {
  const over = new AbortController()
  let [leftMs, sinceMs, pauses] = [milliseconds, Date.now(), 0]
  let timer: ReturnType<typeof setTimeout> | undefined
  const start = (): void => {
    sinceMs = Date.now()
    timer = setTimeout(() => over.abort(new DeadlineExceeded(milliseconds)), leftMs)
  }
  const pausing: Pausing = async (work) => {
    if (pauses++ === 0) {
      clearTimeout(timer)
      leftMs -= Date.now() - sinceMs
    }
    try {
      return await work()
    } finally {
      // After the end of the task, the timer stays cleared.
      if (--pauses === 0 && !over.signal.aborted) start()
    }
  }
  start()
  try {
    return await withDeadline(LONGEST_MS, (signal) => run(signal, pausing), AbortSignal.any([cancel, over.signal]))
  } finally {
    over.abort()
    clearTimeout(timer)
  }
}
