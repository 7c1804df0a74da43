import { pause } from '../runtime/deadline'

/** R2 did not do what it was asked to, several times over. */
export class StoreError extends Error {
  constructor(cause: unknown) {
    super('the bucket is in trouble', { cause })
  }
}

/** Long enough in all to outlast the second in which R2 takes only one write of a key (platform §1). */
const RETRY_PAUSES_MS = [200, 400, 800]

/** Asks something of R2, and again after a pause when that fails: what it is to hold has been paid for. Throws StoreError. */
export async function withRetries<T>(ask: () => Promise<T>): Promise<T> {
  for (const pauseMs of RETRY_PAUSES_MS) {
    try {
      return await ask()
    } catch {
      await pause(pauseMs)
    }
  }
  return await ask().catch((error: unknown) => {
    throw new StoreError(error)
  })
}
