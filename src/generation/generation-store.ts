import * as z from 'zod'
import { type Failure, type Result, failed, ok } from '../runtime/errors'
import { newId } from '../runtime/ids'
import { type ImageRecord, imageRecord } from '../image/record'
import type { Settlement } from '../ledger/entry'
import { type Concerned, concerns } from './subscribers'
import type { Progress } from './progress'
import type { Notice } from './snapshot'
import type { GenerateOptions, Task } from './task'

/** A settlement, and the team that has yet to hear of it. */
export interface PendingSettlement {
  team: string
  settlement: Settlement
  /** What that team's webhook is told then, if anything. */
  notice?: Notice | undefined
  /** When it is told again, in ms since 1970; at once, where what is stored does not say. */
  againMs?: number
}

/** A run under way, kept so that it can be taken up again when the process dies. */
export interface RunRow {
  task: Task
  id: string
  /** The id of its first process, with which those of all later ones begin; undefined while that lives. */
  before?: string
  /** Under which its money is held, through all of its attempts. */
  reservation: string
  /** From 1. */
  attempt: number
  /** How many of its processes have died; undefined while none has. */
  deaths?: number
  /** When it was asked for, in ms since 1970. */
  createdMs: number
  progress: Progress | undefined
  /** What whoever does not wait for its turn is told; undefined where its turn has come. */
  queued?: Failure
}

/**
 * The answer that was made, for which request, and until when all are given it, in ms since 1970. What is stored in another
 * shape is no answer.
 */
const keptRow = z.object({ record: imageRecord, requestId: z.string().optional(), untilMs: z.number() })
type KeptRow = z.infer<typeof keptRow>

/** What was refused, whom alone that concerns, when, and until when it is not tried again, in ms since 1970. */
interface RefusedRow {
  failure: Failure
  only?: Concerned | undefined
  atMs: number
  untilMs: number
}

interface Partials {
  generation: string
  untilMs: number
}

const OWED = 'owed:'

/** While a run is in memory, its object is woken this often: that keeps it alive, and finds a run whose process died. */
const HEARTBEAT_MS = 30_000
/** A run that waits is called; but it asks by itself so often, in case that it was forgotten. */
const ASK_AGAIN_MS = 300_000

/** What a generation knows after its process has gone: the run under way, the answer it gives, the refusal it repeats. */
export class GenerationStore {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  get run(): RunRow | undefined {
    const row = this.#storage.kv.get<RunRow>('run')
    // A stored run may say less than this, and have progress that names no calls, which cannot be taken up.
    const progress = row?.progress && 'calls' in row.progress ? row.progress : undefined
    return row && { ...row, progress, createdMs: row.createdMs ?? Date.now() }
  }

  set run(row: RunRow) {
    this.#storage.kv.put('run', row)
  }

  /** The answer that is given, or was until lately. */
  get record(): ImageRecord | undefined {
    return this.#kept?.record
  }

  get #kept(): KeptRow | undefined {
    return keptRow.safeParse(this.#storage.kv.get('kept')).data
  }

  /** The id of the HTTP request for which that was made. */
  get madeFor(): string | undefined {
    return this.#kept?.requestId
  }

  /** What an ask is answered without a run. */
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

  /** Keeps the answer, also one that is yet to be made, for those who may come again within so many ms. */
  hold(keepMs: number, nowMs: number): void {
    if (keepMs > 0) this.#storage.kv.put<number>('held', Math.max(this.#heldMs, nowMs + keepMs))
  }

  get #heldMs(): number {
    return this.#storage.kv.get<number>('held') ?? 0
  }

  refuse(failure: Failure, atMs: number, untilMs: number, only?: Concerned): void {
    this.#storage.kv.put<RefusedRow>('refused', { failure, only, atMs, untilMs })
  }

  endRun(): void {
    this.#storage.kv.delete('run')
  }

  forgetRecord(): void {
    this.#storage.kv.delete('kept')
  }

  /** What teams have yet to hear of. */
  get owed(): PendingSettlement[] {
    return [...this.#storage.kv.list<PendingSettlement>({ prefix: OWED })].map(([, owed]) => owed)
  }

  owe(owed: PendingSettlement, nowMs: number): void {
    this.#storage.kv.put<PendingSettlement>(OWED + owed.settlement.id, { ...owed, againMs: nowMs + HEARTBEAT_MS })
  }

  /** Whether a team has yet to hear what came of a reservation. */
  owes(reservation: string): boolean {
    return this.#storage.kv.get(OWED + reservation) !== undefined
  }

  paid({ settlement }: PendingSettlement): void {
    this.#storage.kv.delete(OWED + settlement.id)
  }

  /** Whose previews may be in R2, and until when somebody may be reading them, in ms since 1970. */
  get partials(): Partials | undefined {
    return this.#storage.kv.get<Partials>('partials')
  }

  set partials(partials: Partials | undefined) {
    if (partials) this.#storage.kv.put<Partials>('partials', partials)
    else this.#storage.kv.delete('partials')
  }

  /** When something of this is due, or to be forgotten, in ms since 1970; also a run that is wanted and has not begun. */
  dues(nowMs: number, isWanted: boolean): number[] {
    const { run, partials } = this
    const kept = this.#kept
    const refused = this.#storage.kv.get<RefusedRow>('refused')
    const ends = [kept?.untilMs, kept && this.#heldMs, refused?.untilMs]
    return [
      ...(!run && isWanted ? [nowMs + HEARTBEAT_MS] : []),
      ...(run ? [nowMs + (run.queued ? ASK_AGAIN_MS : HEARTBEAT_MS)] : []),
      ...this.owed.map(({ againMs = nowMs }) => againMs),
      // A run that has not ended has previews of its own.
      ...(partials && !run ? [partials.untilMs] : []),
      ...ends.flatMap((end) => (end !== undefined && end > nowMs ? [end] : [])),
    ]
  }
}

/** How many upstreams its earlier processes have asked; where no progress says so, each may have asked one. */
export const attemptsOf = ({ attempt, progress }: RunRow): number => progress?.calls.length ?? attempt - 1

/** What a new run has of its own. */
export const newRun = (task: Task): RunRow => ({
  task,
  id: newRunId(),
  reservation: newId('run'),
  attempt: 1,
  createdMs: Date.now(),
  progress: undefined,
})

/** Distinguishes the images of one process from those of another. */
export const newRunId = (): string => crypto.randomUUID().slice(0, 8)
