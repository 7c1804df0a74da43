/** The time limit has passed. */
export class DeadlineExceeded extends Error {
  constructor(milliseconds: number) {
    super(`the time limit of ${milliseconds} ms has passed`)
  }
}

/**
 * Runs a task and aborts its signal after `milliseconds`, or together with `cancel` and its reason.
 * The timer is always cleared: a pending timer, such as that of `AbortSignal.timeout`, keeps a Durable Object awake.
 * Throws DeadlineExceeded, or the reason of `cancel`.
 */
export async function withDeadline<T>(
  milliseconds: number,
  run: (signal: AbortSignal) => Promise<T>,
  cancel?: AbortSignal,
): Promise<T> {
  cancel?.throwIfAborted()
  const controller = new AbortController()
  const { promise: stopped, reject } = Promise.withResolvers<never>()
  const stop = (reason: unknown): void => {
    reject(reason)
    controller.abort(reason)
  }
  const stopWithCancel = (): void => stop(cancel?.reason)
  const timer = setTimeout(() => stop(new DeadlineExceeded(milliseconds)), milliseconds)
  cancel?.addEventListener('abort', stopWithCancel)
  try {
    return await Promise.race([run(controller.signal), stopped])
  } finally {
    clearTimeout(timer)
    cancel?.removeEventListener('abort', stopWithCancel)
  }
}

/** Resolves after `milliseconds`. Throws the reason of `cancel` as soon as it is aborted. */
export async function pause(milliseconds: number, cancel?: AbortSignal): Promise<void> {
  cancel?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const stop = (): void => reject(cancel?.reason)
  const timer = setTimeout(resolve, milliseconds)
  cancel?.addEventListener('abort', stop)
  try {
    await promise
  } finally {
    clearTimeout(timer)
    cancel?.removeEventListener('abort', stop)
  }
}

/**
 * Repeats an action that never throws, every `milliseconds`. The returned function ends that and resolves after the last
 * action: a late one would undo the next step.
 */
export function repeat(milliseconds: number, action: () => Promise<unknown>): () => Promise<void> {
  let newest: Promise<unknown> | undefined
  const timer = setInterval(() => void (newest = action()), milliseconds)
  return async () => {
    clearInterval(timer)
    await newest
  }
}
