import { wake } from '../runtime/alarm'
import type { Rows } from './rows/open-rows'
import { nextDemand, type State } from './state'

/** The period of the alarm during a run, in ms. It keeps the object alive and finds a run without a process. */
const HEARTBEAT_MS = 30_000
/** The period of the alarm in the queue, in ms. The team calls at the turn and repeats lost calls, so a look is rarely of use. */
const ASK_AGAIN_MS = 3_600_000
/** An alarm that is due so much earlier, in ms, stays as it is. */
const EARLY_MS = 5000

/** The next due time of a generation, in ms since 1970; undefined if nothing is due any more. */
export function nextAlarmMs({ phase, places, subscribers }: State, rows: Rows, nowMs: number): number | undefined {
  const isUnsettled = places.some(({ stands }) => phase.is !== 'queued' || stands.is !== 'waiting')
  const isLeft = phase.is === 'idle' && nextDemand({ phase, places, subscribers }) !== undefined
  const isAtWork = phase.is !== 'idle' && phase.is !== 'queued'
  const { dueMs } = rows.previews
  const dues = [
    ...(isAtWork || isUnsettled || isLeft ? [nowMs + HEARTBEAT_MS] : []),
    ...(phase.is === 'queued' ? [nowMs + ASK_AGAIN_MS] : []),
    // A run has previews of its own.
    ...(dueMs !== undefined && phase.is === 'idle' ? [dueMs] : []),
    ...[rows.kept, rows.receivers, rows.outbox, rows.owed].flatMap((part) => part.dues(nowMs)),
  ]
  return dues.length === 0 ? undefined : Math.min(...dues)
}

/** The one alarm of a generation, for all that is due. */
export class Schedule {
  readonly #storage: DurableObjectStorage
  /** The time of the alarm, in ms since 1970; undefined if this process does not know it. */
  #armedMs: number | undefined

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  /** Sets the alarm to a due time, unless it rings shortly before. Without one, empties the object and its alarm. */
  async arm(dueMs: number | undefined): Promise<void> {
    if (dueMs === undefined) {
      this.#armedMs = undefined
      await this.#storage.deleteAll()
      return
    }
    if (this.#armedMs !== undefined && this.#armedMs <= dueMs && dueMs < this.#armedMs + EARLY_MS) return
    this.#armedMs = dueMs
    await this.#storage.setAlarm(dueMs)
  }

  /** Sets an alarm that is due and missing. Never throws. */
  async wake(dueMs: () => number | undefined): Promise<void> {
    await wake(this.#storage, dueMs)
  }

  /** Notes that the alarm rings, and is no longer set. */
  rings(): void {
    this.#armedMs = undefined
  }
}
