import { configOf } from '../config'
import { describe, log } from '../runtime/log'
import { ENTRIES_AT_ONCE, removeImages } from '../store/images'
import type { TeamLifecycle } from './lifecycle'
import { keptKeysOf } from '../ledger/entry'
import type { Ledger } from '../ledger/ledger'
import { DAY_MS } from '../runtime/durations'
import type { Turns } from './turns'

/** The soonest that an alarm is set for: whatever could not be done is tried again after that, in ms. */
const UPKEEP_RETRY_MS = 1000

/** What of a team its alarm looks after. */
interface UpkeepParts {
  lifecycle: TeamLifecycle
  ledger: Ledger
  turns: Turns
}

/** What a team's alarm has to do, and when. */
export class Upkeep {
  readonly #storage: DurableObjectStorage
  readonly #env: Env
  readonly #kept: UpkeepParts

  constructor(storage: DurableObjectStorage, env: Env, kept: UpkeepParts) {
    this.#storage = storage
    this.#env = env
    this.#kept = kept
  }

  /** Removes what is kept no longer. */
  async removeOldImages(nowMs: number): Promise<void> {
    const { imageRetentionMs } = configOf(this.#env)
    if (imageRetentionMs !== undefined)
      await removeImagesBefore(this.#kept.ledger, this.#env.IMAGES, nowMs - imageRetentionMs)
    await this.rearm(nowMs)
  }

  /** After the end of the team: first the pictures, then the books. */
  async purgeDeletedTeam(nowMs: number): Promise<void> {
    const { lifecycle, ledger } = this.#kept
    if (!lifecycle.isPurging) return
    if (await removeImagesBefore(ledger, this.#env.IMAGES, nowMs)) await lifecycle.clearStorage()
    else await this.#storage.setAlarm(nowMs + UPKEEP_RETRY_MS)
  }

  /** Sets the object's one alarm to what is due next, where it is not set to something sooner. */
  async rearm(nowMs: number): Promise<void> {
    const { ledger, turns } = this.#kept
    const due = turns.hasUnnotified ? nowMs : nextDueMs(ledger, configOf(this.#env).imageRetentionMs, nowMs)
    const set = await this.#storage.getAlarm()
    if (due !== undefined && due < (set ?? Infinity))
      await this.#storage.setAlarm(Math.max(due, nowMs + UPKEEP_RETRY_MS))
  }
}

/** As many batches as are removed in one alarm, which has a quarter of an hour (platform §1). */
const BATCHES_PER_ALARM = 100

/**
 * Removes the pictures of entries that began before a moment (ms since 1970), the oldest first. False where some are left:
 * there were too many for one alarm, or the bucket is in trouble.
 */
async function removeImagesBefore(ledger: Ledger, bucket: R2Bucket, beforeMs: number): Promise<boolean> {
  try {
    for (let batch = 0; batch < BATCHES_PER_ALARM; batch++) {
      const entries = ledger.kept(beforeMs, ENTRIES_AT_ONCE)
      if (entries.length === 0) return true
      await removeImages(bucket, entries.flatMap(keptKeysOf))
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
function nextDueMs(ledger: Ledger, retentionMs: number | undefined, nowMs: number): number | undefined {
  const oldestMs = ledger.oldestKeptMs()
  const removalMs = oldestMs === undefined ? undefined : Math.min(oldestMs + (retentionMs ?? Infinity), nowMs + DAY_MS)
  const dues = [ledger.nextExpiryMs(), removalMs].filter((due) => due !== undefined)
  return dues.length > 0 ? Math.min(...dues) : undefined
}
