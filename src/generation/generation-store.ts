import * as z from 'zod'
import { type Failure, type Result, failed, ok } from '../failures/errors'
import { newId } from '../runtime/ids'
import { type ImageRecord, imageRecord } from '../image/record'
import type { Settlement } from '../ledger/entry'
import { type OutcomeScope, concerns } from './subscribers'
import type { Progress } from './progress'
import type { Notice } from './snapshot'
import type { GenerateOptions, Task } from './task'
import { type Stored, TaskRows } from './task-rows'

/** A settlement that its team has not received yet. */
export interface PendingSettlement {
  team: string
  settlement: Settlement
  /** The notice for the team's webhook after the settlement. */
  notice?: Notice | undefined
  /** The next attempt in ms since 1970; missing in older rows, which are due at once. */
  againMs?: number
}

/** A run in progress, stored so that the next process can resume it. */
export interface RunRow {
  task: Task
  id: string
  /** The id of its first process, which begins the ids of all later ones; undefined in the first process. */
  before?: string
  /** The id of its reservation, through all attempts. */
  reservation: string
  /** The number of the attempt, from 1. A death adds one if a call in hand cannot be resumed; an error of the gateway does too. */
  attempt: number
  /** The number of its processes that died with calls in hand; undefined for none. */
  deaths?: number
  /** The moment of the request, in ms since 1970. */
  createdMs: number
  progress: Progress | undefined
  /** The failure for clients that do not wait in the queue; undefined once the turn has come. */
  queued?: Failure
}

/** A place of a payer in the queue of its team, beside that of the run. */
export interface QueuePlace {
  task: Task
  /** The id of the reservation, which holds money from the turn on. */
  reservation: string
  /** The moment of the request, in ms since 1970. */
  createdMs: number
  /** The failure for clients that do not wait; undefined before the team's answer and during a withdrawal. */
  queued?: Failure
}

/**
 * The finished answer, its first request, and the end of its life in ms since 1970. A row of another shape is no
 * answer.
 */
const keptRow = z.object({ record: imageRecord, requestId: z.string().optional(), untilMs: z.number() })
type KeptRow = z.infer<typeof keptRow>

/** A stored failure and its team or key; it lasts until `untilMs`, in ms since 1970. */
interface RefusedRow {
  failure: Failure
  only?: OutcomeScope | undefined
  atMs: number
  untilMs: number
}

interface Partials {
  generation: string
  untilMs: number
}

const SETTLEMENT = 'owed:'
const PLACE = 'place:'

/** The period of the alarm during a run, in ms. It keeps the object alive and finds a run without a process. */
const HEARTBEAT_MS = 30_000
/** The period of the alarm in the queue, in ms. The team calls at the turn and repeats lost calls, so a look is rarely of use. */
const ASK_AGAIN_MS = 3_600_000

/** The storage of a generation: the current run, the answer, and the stored failure. */
export class GenerationStore {
  readonly #storage: DurableObjectStorage
  readonly #tasks: TaskRows

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.#tasks = new TaskRows(storage)
  }

  get run(): RunRow | undefined {
    const row = this.#storage.kv.get<Stored<RunRow>>('run')
    // A row of an older version may lack fields; progress without calls cannot be resumed.
    const progress = row?.progress && 'calls' in row.progress ? row.progress : undefined
    return row && { ...row, task: this.#tasks.taskOf(row.task), progress, createdMs: row.createdMs ?? Date.now() }
  }

  set run(row: RunRow) {
    this.#storage.kv.put<Stored<RunRow>>('run', { ...row, task: this.#tasks.rowOf(row.task) })
  }

  /** The stored answer, current or expired. */
  get record(): ImageRecord | undefined {
    return this.#kept?.record
  }

  get #kept(): KeptRow | undefined {
    return keptRow.safeParse(this.#storage.kv.get('kept')).data
  }

  /** The id of the HTTP request that started the answer. */
  get madeFor(): string | undefined {
    return this.#kept?.requestId
  }

  /** The answer or failure that needs no run; undefined for none. */
  known({ task, madeSinceMs, isReplay }: GenerateOptions, nowMs: number): Result<ImageRecord> | undefined {
    const kept = this.#kept
    const untilMs = Math.max(kept?.untilMs ?? 0, isReplay ? this.#heldMs : 0)
    if (kept && untilMs > nowMs && kept.record.createdMs >= madeSinceMs) return ok(kept.record)
    const refused = this.#storage.kv.get<RefusedRow>('refused')
    if (!refused || refused.untilMs <= nowMs || refused.atMs < madeSinceMs) return undefined
    return concerns(refused.only, task.payer) ? failed(refused.failure) : undefined
  }

  keep(record: ImageRecord, requestId: string, untilMs: number): void {
    this.#storage.kv.put<KeptRow>('kept', { record, requestId, untilMs })
    this.#storage.kv.delete('refused')
  }

  /** Extends the life of the answer, finished or not, by so many ms for retries. */
  hold(keepMs: number, nowMs: number): void {
    if (keepMs > 0) this.#storage.kv.put<number>('held', Math.max(this.#heldMs, nowMs + keepMs))
  }

  get #heldMs(): number {
    return this.#storage.kv.get<number>('held') ?? 0
  }

  refuse(failure: Failure, atMs: number, untilMs: number, only?: OutcomeScope): void {
    this.#storage.kv.put<RefusedRow>('refused', { failure, only, atMs, untilMs })
  }

  /** Removes the run. The oldest other place in a queue takes it over. */
  endRun(): void {
    const next = this.places.find(({ queued }) => queued)
    if (!next) return void this.#storage.kv.delete('run')
    this.removePlace(next.reservation)
    this.run = { ...newRun(next.task), ...next }
  }

  /** Whether the run, or a place that may become it, needs the input pictures of a task. */
  needsInputsOf({ requestId }: Task): boolean {
    return [this.run, ...this.places].some((row) => row?.task.requestId === requestId)
  }

  /** The places beside that of the run, the oldest first. */
  get places(): QueuePlace[] {
    const rows = [...this.#storage.kv.list<Stored<QueuePlace>>({ prefix: PLACE })]
    const places = rows.map(([, row]) => ({ ...row, task: this.#tasks.taskOf(row.task) }))
    return places.toSorted((one, other) => one.createdMs - other.createdMs)
  }

  putPlace(place: QueuePlace): void {
    const row = { ...place, task: this.#tasks.rowOf(place.task) }
    this.#storage.kv.put<Stored<QueuePlace>>(PLACE + place.reservation, row)
  }

  removePlace(reservation: string): void {
    this.#storage.kv.delete(PLACE + reservation)
  }

  /** Removes the prompt, unless a run or a place needs it. */
  forgetPrompt(): void {
    if (!this.run && this.places.length === 0) this.#tasks.forgetPrompt()
  }

  forgetRecord(): void {
    this.#storage.kv.delete('kept')
  }

  /** Settlements that their teams have not received yet. */
  get pendingSettlements(): PendingSettlement[] {
    return [...this.#storage.kv.list<PendingSettlement>({ prefix: SETTLEMENT })].map(([, pending]) => pending)
  }

  addPendingSettlement(pending: PendingSettlement, nowMs: number): void {
    this.#storage.kv.put<PendingSettlement>(SETTLEMENT + pending.settlement.id, {
      ...pending,
      againMs: nowMs + HEARTBEAT_MS,
    })
  }

  /** Whether a reservation has a pending settlement. */
  hasPendingSettlement(reservation: string): boolean {
    return this.#storage.kv.get(SETTLEMENT + reservation) !== undefined
  }

  removePendingSettlement({ settlement }: PendingSettlement): void {
    this.#storage.kv.delete(SETTLEMENT + settlement.id)
  }

  /** The generation with previews in R2, and the end of their life in ms since 1970. */
  get partials(): Partials | undefined {
    return this.#storage.kv.get<Partials>('partials')
  }

  set partials(partials: Partials | undefined) {
    if (partials) this.#storage.kv.put<Partials>('partials', partials)
    else this.#storage.kv.delete('partials')
  }

  /** The due times of all rows in ms since 1970, and of a wanted run that has not begun. */
  dues(nowMs: number, isWanted: boolean): number[] {
    const { run, partials } = this
    const kept = this.#kept
    const refused = this.#storage.kv.get<RefusedRow>('refused')
    const ends = [kept?.untilMs, kept && this.#heldMs, refused?.untilMs]
    return [
      ...(this.#isUnsettled(isWanted) ? [nowMs + HEARTBEAT_MS] : []),
      ...(run ? [nowMs + (run.queued ? ASK_AGAIN_MS : HEARTBEAT_MS)] : []),
      ...this.pendingSettlements.map(({ againMs = nowMs }) => againMs),
      // The current run has previews of its own.
      ...(partials && !run ? [partials.untilMs] : []),
      ...ends.flatMap((end) => (end !== undefined && end > nowMs ? [end] : [])),
    ]
  }

  /** Whether a wanted run has not begun, or a place is to be withdrawn if its process dies. */
  #isUnsettled(isWanted: boolean): boolean {
    const { run, places } = this
    return (!run && isWanted) || places.some(({ queued }) => !run?.queued || !queued)
  }
}

/** The number of calls by earlier processes. */
export const attemptsOf = ({ progress }: RunRow): number => progress?.calls.length ?? 0

/** The row of a new run. */
export const newRun = (task: Task): RunRow => ({
  task,
  id: newRunId(),
  reservation: newId('run'),
  attempt: 1,
  createdMs: Date.now(),
  progress: undefined,
})

/** Mints the id of a process of a run, which separates the images of processes. */
export const newRunId = (): string => crypto.randomUUID().slice(0, 8)
