import { pause } from '../runtime/deadline'

/** R2 failed several times in a row. */
export class StoreError extends Error {
  constructor(cause: unknown) {
    super('R2 failed repeatedly', { cause })
  }
}

/** Pauses in ms. Together they exceed the second in which R2 takes one write of a key (platform §1). */
const RETRY_PAUSES_MS = [200, 400, 800]

/** Calls R2 and retries after failures, because the stored content is paid for. Throws StoreError. */
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
