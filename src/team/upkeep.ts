import { configOf } from '../config'
import { arm, ring, wake } from '../runtime/alarm'
import { pause } from '../runtime/deadline'
import { describe, log } from '../runtime/log'
import { ENTRIES_AT_ONCE, removeImages } from '../store/images'
import type { Accounting } from './accounting'
import { Archive } from './archive'
import type { TeamLifecycle } from './lifecycle'
import { keptKeysOf } from '../ledger/entry'
import type { Ledger } from '../ledger/ledger'
import type { DirectoryMark } from './directory-mark'
import { DAY_MS } from '../runtime/durations'
import type { OrderQueue } from './order-queue'

/** The least delay of an alarm, in ms; work that failed is repeated after it. */
const UPKEEP_RETRY_MS = 1000

/** The delay until a mark in the directory that failed is repeated, in ms. */
const MARK_AGAIN_MS = 30_000

/** Steps of one kind in an alarm, and the pause for requests after each, in ms. */
const STEPS_PER_ALARM = 50
const STEP_PAUSE_MS = 20

/** The parts of a team that its alarm maintains. */
interface UpkeepParts {
  lifecycle: TeamLifecycle
  accounting: Pick<Accounting, 'ledger' | 'archive'>
  queue: Pick<OrderQueue, 'hasCalled'>
  mark: DirectoryMark
}

/** The work of a team's alarm and its schedule. */
export class Upkeep {
  readonly #storage: DurableObjectStorage
  readonly #env: Env
  readonly #parts: UpkeepParts
  readonly #archive: Archive

  constructor(storage: DurableObjectStorage, env: Env, parts: UpkeepParts) {
    this.#storage = storage
    this.#env = env
    this.#parts = parts
    this.#archive = new Archive(storage, env.IMAGES, parts.accounting)
  }

  /**
   * Does the steps of the team's alarm, then sums days, removes old images and archives old entries. The alarm of a
   * deleted team purges it.
   */
  async ring(
    invocation: AlarmInvocationInfo | undefined,
    steps: readonly (() => Promise<void> | void)[],
  ): Promise<void> {
    const nowMs = Date.now()
    const { lifecycle, mark } = this.#parts
    await ring(
      this.#storage,
      invocation,
      lifecycle.profile
        ? [
            ...steps,
            () => this.#sumDays(),
            () => mark.sent(),
            () => this.#removeOldImages(nowMs),
            () => this.#keepArchive(nowMs),
            () => this.rearm(nowMs),
          ]
        : [() => this.#purgeDeletedTeam(nowMs)],
    )
  }

  /** Adds up the days of an earlier version's ledger, in steps with pauses for requests. */
  async #sumDays(): Promise<void> {
    const { sums } = this.#parts.accounting.ledger
    for (let step = 0; step < STEPS_PER_ALARM && sums.isBehind; step++) {
      sums.sumSome()
      await pause(STEP_PAUSE_MS)
    }
  }

  /** Removes images past their retention. */
  async #removeOldImages(nowMs: number): Promise<void> {
    await removeImagesBefore(this.#parts.accounting.ledger, this.#env.IMAGES, this.#keptSinceMs(nowMs))
  }

  /** The start of the oldest entries with images, in ms since 1970. */
  #keptSinceMs(nowMs: number): number {
    return nowMs - (configOf(this.#env).imageRetentionMs ?? Infinity)
  }

  /** Brings the archive up to date, in steps with pauses for requests. */
  async #keepArchive(nowMs: number): Promise<void> {
    for (let step = 0; step < STEPS_PER_ALARM; step++) {
      const team = this.#parts.lifecycle.profile?.id
      if (team === undefined || !(await this.#archive.step(team, nowMs, this.#keptSinceMs(nowMs)))) return
      await pause(STEP_PAUSE_MS)
    }
  }

  /** Removes the rest of a deleted team: first its images and its files, then its tables. */
  async #purgeDeletedTeam(nowMs: number): Promise<void> {
    const { lifecycle, accounting } = this.#parts
    const { isPurging, purgedId } = lifecycle
    if (!isPurging) return
    const hasNoImages = await removeImagesBefore(accounting.ledger, this.#env.IMAGES, nowMs)
    const isEmpty = hasNoImages && (purgedId === undefined || (await this.#archive.purge(purgedId)))
    if (isEmpty) await lifecycle.clearStorage()
    else await this.#storage.setAlarm(nowMs + UPKEEP_RETRY_MS)
  }

  /** Has the directory know of changed sums. The alarm repeats a mark that fails. */
  async markChanged(nowMs: number): Promise<void> {
    const { mark } = this.#parts
    await mark.trySend()
    if (mark.isMissing) await this.rearm(nowMs)
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
    const { lifecycle, accounting, queue, mark } = this.#parts
    if (!lifecycle.profile && !lifecycle.isPurging) return undefined
    const isDueNow = !lifecycle.profile || queue.hasCalled || accounting.ledger.sums.isBehind
    const next = isDueNow ? nowMs : this.#nextDueMs(nowMs)
    const due = mark.isMissing ? Math.min(next ?? Infinity, nowMs + MARK_AGAIN_MS) : next
    return due === undefined ? undefined : Math.max(due, nowMs + UPKEEP_RETRY_MS)
  }

  /**
   * The next due time, in ms since 1970: a reservation expires, the retention of images ends, or entries are old. While
   * images are kept it is within a day, since the setting of the retention may change.
   */
  #nextDueMs(nowMs: number): number | undefined {
    const { ledger, archive } = this.#parts.accounting
    const oldestMs = Math.min(ledger.oldestKeptMs() ?? Infinity, archive.oldestKept()?.kept_ms ?? Infinity)
    const removalMs = Math.min(oldestMs - this.#keptSinceMs(0), nowMs + DAY_MS)
    const dues = [ledger.nextExpiryMs(), oldestMs === Infinity ? undefined : removalMs, this.#archive.dueMs(nowMs)]
    const known = dues.filter((due) => due !== undefined)
    return known.length > 0 ? Math.min(...known) : undefined
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
