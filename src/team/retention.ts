import { describe, log } from '../log'
import * as images from '../store/images'
import { keptOf } from './entry'
import type { Ledger } from './ledger'

/** As many entries as have no more pictures together than R2 deletes at once, at ten each (platform §1). */
const BATCH = 100

/** Removes a batch of the pictures of entries that began before a moment (ms since 1970), the oldest first. */
export async function removeKept(ledger: Ledger, bucket: R2Bucket, beforeMs: number): Promise<void> {
  const entries = ledger.kept(beforeMs, BATCH)
  try {
    await images.remove(bucket, entries.flatMap(keptOf))
    for (const { id } of entries) ledger.keepNone(id)
  } catch (error) {
    log('images-not-removed', { entries: entries.length, ...describe(error) })
  }
}

/** When there is next something to be done about a ledger, in ms since 1970: a reservation to end, or pictures to remove. */
export function nextDueMs(ledger: Ledger, retentionMs: number | undefined): number | undefined {
  const oldestMs = retentionMs === undefined ? undefined : ledger.oldestKeptMs()
  const dues = [ledger.nextExpiryMs(), oldestMs && oldestMs + (retentionMs ?? 0)].filter((due) => due !== undefined)
  return dues.length > 0 ? Math.min(...dues) : undefined
}
