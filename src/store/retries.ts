import { DeadlineExceeded, pause, withDeadline } from '../runtime/deadline'

/** R2 failed several times in a row. */
export class StoreError extends Error {
  constructor(cause: unknown) {
    super('R2 failed repeatedly', { cause })
  }
}

/** Pauses in ms. Together they exceed the second in which R2 takes one write of a key (platform §1). */
const RETRY_PAUSES_MS = [200, 400, 800]

/** The time for the beginning of an object, in ms. Its bytes are not included. */
export const READ_MS = 5000
/** The time for a write of a part, or for a removal, in ms. */
export const WRITE_MS = 30_000

/** The terms of a call of R2. */
interface StoreTerms {
  deadlineMs?: number
  /** Called for an attempt beyond its deadline: it may still read the bytes that it was given. */
  onLate?: () => void
}

/**
 * Calls R2 and retries after failures, because the stored content is paid for. Every attempt has a deadline; a second
 * one that misses it is the last. Throws StoreError.
 */
export async function withRetries<T>(
  ask: () => Promise<T>,
  { deadlineMs = WRITE_MS, onLate }: StoreTerms = {},
): Promise<T> {
  const attempt = (): Promise<T> => withDeadline(deadlineMs, ask)
  let isLate = false
  for (const pauseMs of RETRY_PAUSES_MS) {
    try {
      return await attempt()
    } catch (error) {
      const wasLate = isLate
      isLate = error instanceof DeadlineExceeded
      if (isLate) onLate?.()
      if (isLate && wasLate) throw new StoreError(error)
      await pause(pauseMs)
    }
  }
  return await attempt().catch((error: unknown) => {
    throw new StoreError(error)
  })
}
