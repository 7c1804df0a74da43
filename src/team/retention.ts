import { describe, log } from '../log'
import * as images from '../store/images'
import { keptOf } from './entry'
import type { Ledger } from './ledger'
import { DAY_MS } from './meter'

/** As many batches as are removed in one alarm, which has a quarter of an hour (platform §1). */
const BATCHES = 100

/**
 * Removes the pictures of entries that began before a moment (ms since 1970), the oldest first. False where some are left:
 * there were too many for one alarm, or the bucket is in trouble.
 */
export async function removeKept(ledger: Ledger, bucket: R2Bucket, beforeMs: number): Promise<boolean> {
  try {
    for (let batch = 0; batch < BATCHES; batch++) {
      const entries = ledger.kept(beforeMs, images.ENTRIES_AT_ONCE)
      if (entries.length === 0) return true
      await images.remove(bucket, entries.flatMap(keptOf))
      for (const { id } of entries) ledger.keepNone(id)
    }
  } catch (error) {
    log('images-not-removed', describe(error))
  }
  return false
}

/**
 * When there is next something to be done about a ledger, in ms since 1970: a reservation to end, or pictures to remove.
 * While any are kept that is within a day, since the setting of how long they are may change.
 */
export function nextDueMs(ledger: Ledger, retentionMs: number | undefined, nowMs: number): number | undefined {
  const oldestMs = ledger.oldestKeptMs()
  const removalMs = oldestMs === undefined ? undefined : Math.min(oldestMs + (retentionMs ?? Infinity), nowMs + DAY_MS)
  const dues = [ledger.nextExpiryMs(), removalMs].filter((due) => due !== undefined)
  return dues.length > 0 ? Math.min(...dues) : undefined
}
