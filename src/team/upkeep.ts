import { configOf } from '../config'
import { arm, ring, wake } from '../runtime/alarm'
import { describe, log } from '../runtime/log'
import { ENTRIES_AT_ONCE, removeImages } from '../store/images'
import type { TeamLifecycle } from './lifecycle'
import { keptKeysOf } from '../ledger/entry'
import type { Ledger } from '../ledger/ledger'
import { DAY_MS } from '../runtime/durations'
import type { Turns } from './turns'

/** The least delay of an alarm, in ms; work that failed is repeated after it. */
const UPKEEP_RETRY_MS = 1000

/** The parts of a team that its alarm maintains. */
interface UpkeepParts {
  lifecycle: TeamLifecycle
  ledger: Ledger
  turns: Turns
}

/** The work of a team's alarm and its schedule. */
export class Upkeep {
  readonly #storage: DurableObjectStorage
  readonly #env: Env
  readonly #parts: UpkeepParts

  constructor(storage: DurableObjectStorage, env: Env, parts: UpkeepParts) {
    this.#storage = storage
    this.#env = env
    this.#parts = parts
  }

  /** Does the steps of the team's alarm, then removes old images. The alarm of a deleted team purges it. */
  async ring(
    invocation: AlarmInvocationInfo | undefined,
    steps: readonly (() => Promise<void> | void)[],
  ): Promise<void> {
    const nowMs = Date.now()
    await ring(
      this.#storage,
      invocation,
      this.#parts.lifecycle.profile
        ? [...steps, () => this.#removeOldImages(nowMs)]
        : [() => this.#purgeDeletedTeam(nowMs)],
    )
  }

  /** Removes images past their retention. */
  async #removeOldImages(nowMs: number): Promise<void> {
    const { imageRetentionMs } = configOf(this.#env)
    if (imageRetentionMs !== undefined)
      await removeImagesBefore(this.#parts.ledger, this.#env.IMAGES, nowMs - imageRetentionMs)
    await this.rearm(nowMs)
  }

  /** Removes the rest of a deleted team: first its images, then its tables. */
  async #purgeDeletedTeam(nowMs: number): Promise<void> {
    const { lifecycle, ledger } = this.#parts
    if (!lifecycle.isPurging) return
    if (await removeImagesBefore(ledger, this.#env.IMAGES, nowMs)) await lifecycle.clearStorage()
    else await this.#storage.setAlarm(nowMs + UPKEEP_RETRY_MS)
  }

  /** Sets the object's alarm to the next due time, unless it is set to an earlier one. */
  rearm(nowMs: number): Promise<void> {
    return arm(this.#storage, () => this.#dueMs(nowMs))
  }

  /** Sets an alarm that is due and missing. Never throws. */
  wake(nowMs: number): Promise<void> {
    return wake(this.#storage, () => this.#dueMs(nowMs))
  }

  #dueMs(nowMs: number): number | undefined {
    const { lifecycle, ledger, turns } = this.#parts
    if (!lifecycle.profile && !lifecycle.isPurging) return undefined
    const isDueNow = !lifecycle.profile || turns.hasUnnotified
    const due = isDueNow ? nowMs : nextDueMs(ledger, configOf(this.#env).imageRetentionMs, nowMs)
    return due === undefined ? undefined : Math.max(due, nowMs + UPKEEP_RETRY_MS)
  }
}

/** Batches of images removed in one alarm, which may take 15 minutes (platform §1). */
const BATCHES_PER_ALARM = 100

/**
 * Removes the images of entries that began before a time (ms since 1970), the oldest first.
 * False if some are left: one alarm cannot remove as many, or the bucket fails.
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
 * The next due time of a ledger, in ms since 1970: a reservation expires, or the retention of images ends.
 * While images are kept it is within a day, since the setting of the retention may change.
 */
function nextDueMs(ledger: Ledger, retentionMs: number | undefined, nowMs: number): number | undefined {
  const oldestMs = ledger.oldestKeptMs()
  const removalMs = oldestMs === undefined ? undefined : Math.min(oldestMs + (retentionMs ?? Infinity), nowMs + DAY_MS)
  const dues = [ledger.nextExpiryMs(), removalMs].filter((due) => due !== undefined)
  return dues.length > 0 ? Math.min(...dues) : undefined
}
