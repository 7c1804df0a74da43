import { withDeadline } from '../runtime/deadline'
import { withRetries } from './retries'

/** The time for a write that only tries R2, in ms. */
const PROBE_MS = 2000
const PROBE_PREFIX = 'probes/'

/** Whether the last write of this isolate has failed. Other isolates have their own knowledge. */
let hasFailed = false

/** Writes to R2 as `withRetries` does, and notes the outcome. Throws StoreError. */
export const writeStored = <T>(ask: () => Promise<T>, terms: Parameters<typeof withRetries>[1] = {}): Promise<T> => {
  const onLate = (): void => {
    hasFailed = true
    terms.onLate?.()
  }
  const noting = async (): Promise<T> => {
    try {
      const written = await ask()
      hasFailed = false
      return written
    } catch (error) {
      hasFailed = true
      throw error
    }
  }
  return withRetries(noting, { ...terms, onLate })
}

/** Whether R2 takes a picture. After a failed write, a small one tries it. Never throws. */
export async function takesPictures(bucket: R2Bucket): Promise<boolean> {
  if (!hasFailed) return true
  const key = PROBE_PREFIX + crypto.randomUUID()
  try {
    await withDeadline(PROBE_MS, () => bucket.put(key, ''))
    hasFailed = false
    await withDeadline(PROBE_MS, () => bucket.delete(key)).catch(() => {})
    return true
  } catch {
    return false
  }
}
