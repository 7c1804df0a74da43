/** The time allowed for something ran out. */
export class DeadlineExceeded extends Error {
  constructor(milliseconds: number) {
    super(`nothing came of it in ${milliseconds} ms`)
  }
}

/**
 * Runs something that has so many ms, and aborts its signal after that. The timer is cleared in any case: one that is
 * left pending would keep a Durable Object awake, which `AbortSignal.timeout` does. Throws DeadlineExceeded.
 */
export async function withDeadline<T>(milliseconds: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new DeadlineExceeded(milliseconds)
      reject(error)
      controller.abort(error)
    }, milliseconds)
  })
  try {
    return await Promise.race([run(controller.signal), expired])
  } finally {
    clearTimeout(timer)
  }
}
