import * as z from 'zod'
import { type Failure, type Result, failed, ok } from '../errors'
import { type ImageRecord, imageRecord } from '../image/record'
import type { Settlement } from '../team/entry'
import type { Progress } from './progress'
import type { Task } from './task'

/** A settlement, and the team that has yet to hear of it. */
export interface Owed {
  team: string
  settlement: Settlement
}

/** A run under way, kept so that it can be taken up again when the process dies. */
export interface RunRow {
  task: Task
  id: string
  /** Under which the process stored its images that did not survive it. */
  before?: string
  /** Under which its money is held, through all of its attempts. */
  reservation: string
  /** From 1. */
  attempt: number
  progress: Progress | undefined
}

/** The answer that was made, for which request, and until when it is given, in ms since 1970; an earlier version may have written it. */
const keptRow = z.object({ record: imageRecord, requestId: z.string().optional(), untilMs: z.number() })
type KeptRow = z.infer<typeof keptRow>

/** What was refused, when, and until when it is not tried again, in ms since 1970. */
interface RefusedRow {
  failure: Failure
  atMs: number
  untilMs: number
}

const OWED = 'owed:'

/** While a run is in memory, its object is woken this often: that keeps it alive, and finds a run whose process died. */
const HEARTBEAT_MS = 30_000

/** What a generation knows after its process has gone: the run under way, the answer it gives, the refusal it repeats. */
export class Memory {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  /** One that an earlier version began without a reservation cannot be settled, and is not taken up again. */
  get run(): RunRow | undefined {
    const row = this.#storage.kv.get<RunRow>('run')
    return row && 'reservation' in row ? row : undefined
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

  /** What is answered without a run, unless it was made before `madeSinceMs`. */
  known(nowMs: number, madeSinceMs: number): Result<ImageRecord> | undefined {
    const kept = this.#kept
    if (kept && kept.untilMs > nowMs && kept.record.createdMs >= madeSinceMs) return ok(kept.record)
    const refused = this.#storage.kv.get<RefusedRow>('refused')
    return refused && refused.untilMs > nowMs && refused.atMs >= madeSinceMs ? failed(refused.failure) : undefined
  }

  keep(record: ImageRecord, requestId: string, untilMs: number): void {
    this.#storage.kv.put<KeptRow>('kept', { record, requestId, untilMs })
    this.#storage.kv.delete('refused')
  }

  refuse(failure: Failure, atMs: number, untilMs: number): void {
    this.#storage.kv.put<RefusedRow>('refused', { failure, atMs, untilMs })
  }

  endRun(): void {
    this.#storage.kv.delete('run')
  }

  forgetRecord(): void {
    this.#storage.kv.delete('kept')
  }

  /** What teams have yet to hear of. */
  get owed(): Owed[] {
    return [...this.#storage.kv.list<Owed>({ prefix: OWED })].map(([, owed]) => owed)
  }

  owe(owed: Owed): void {
    this.#storage.kv.put(OWED + owed.settlement.id, owed)
  }

  settled({ settlement }: Owed): void {
    this.#storage.kv.delete(OWED + settlement.id)
  }

  /** Sets the object's one alarm to what is due next, or empties the object when nothing is left in it. */
  async rearm(nowMs: number): Promise<void> {
    if (this.run || this.owed.length > 0) return await this.#storage.setAlarm(nowMs + HEARTBEAT_MS)
    const rows = [this.#kept, this.#storage.kv.get<RefusedRow>('refused')]
    const due = rows.flatMap((row) => (row && row.untilMs > nowMs ? [row.untilMs] : []))
    if (due.length === 0) return await this.#storage.deleteAll()
    await this.#storage.setAlarm(Math.min(...due))
  }
}
