import { DurableObject } from 'cloudflare:workers'
import { configOf } from '../config'
import { type Failure, type Result, failed, ok } from '../errors'
import type { ImageRecord } from '../image/record'
import { log } from '../log'
import * as records from '../store/records'
import { type Progress, type Task, recordOf, run } from './run'

/** How an answer came about, as `x-cache` tells it. */
export type Origin = 'HIT' | 'JOINED' | 'MISS'

export interface Obtained {
  record: ImageRecord
  origin: Origin
}

/** A run under way, kept so that it can be taken up again when the process dies. */
interface Run {
  task: Task
  /** Distinguishes the images of this run from those of others of the same generation. */
  id: string
  /** From 1. */
  attempt: number
  progress: Progress | undefined
}

/** The answer that was made, and until when it is given, in ms since 1970. */
interface Kept {
  record: ImageRecord
  untilMs: number
}

/** What the upstream refused, when, and until when it is not asked again. */
interface Refused {
  failure: Failure
  atMs: number
  untilMs: number
}

/** While a run is in memory, its object is woken this often: that keeps it alive, and finds a run whose process died. */
const HEARTBEAT_MS = 30_000
const MAX_ATTEMPTS = 2
const REFUSAL_MS = 60_000

/** Makes the images of one fingerprint: once, however many ask at once, and to the end, whoever hangs up. */
export class Generation extends DurableObject<Env> {
  #running: Promise<Result<ImageRecord>> | undefined

  /**
   * Hands back the answer already made, joins the making of it, or makes it. An answer made before `madeSinceMs` (ms
   * since 1970) is too old; one being made is not.
   */
  async obtain(task: Task, madeSinceMs: number): Promise<Result<Obtained>> {
    this.#recover()
    const joined = this.#running !== undefined
    if (!joined) {
      const known = this.#known(madeSinceMs)
      if (known) return known
    }
    const made = await (this.#running ?? this.#start({ task, id: newRunId(), attempt: 1, progress: undefined }))
    return made.ok ? ok({ record: made.value, origin: joined ? 'JOINED' : 'MISS' }) : made
  }

  override async alarm(): Promise<void> {
    this.#recover()
    await this.#rearm()
  }

  #known(madeSinceMs: number): Result<Obtained> | undefined {
    const now = Date.now()
    const kept = this.ctx.storage.kv.get<Kept>('kept')
    if (kept && kept.untilMs > now && kept.record.createdMs >= madeSinceMs)
      return ok({ record: kept.record, origin: 'HIT' })
    const refused = this.ctx.storage.kv.get<Refused>('refused')
    return refused && refused.untilMs > now && refused.atMs >= madeSinceMs ? failed(refused.failure) : undefined
  }

  /** Takes up a run that its process did not survive: by what it had stored, or by running it once more. */
  #recover(): void {
    const row = this.ctx.storage.kv.get<Run>('run')
    if (!row || this.#running) return
    const { task, attempt, progress } = row
    log('run-interrupted', { generation: task.id, request: task.requestId, attempt })
    if (progress && progress.images.filter(Boolean).length === task.request.n) {
      this.#running = this.#finish(task, ok(recordOf(task, progress, {}))).finally(() => (this.#running = undefined))
      this.ctx.waitUntil(this.#running)
    } else if (attempt < MAX_ATTEMPTS) {
      void this.#start({ ...row, id: newRunId(), attempt: attempt + 1, progress: undefined })
    } else {
      this.ctx.storage.kv.delete('run')
    }
  }

  /** Nothing awaits between the look at `#running` and its being set: two callers cannot both start. */
  #start(row: Run): Promise<Result<ImageRecord>> {
    this.ctx.storage.kv.put('run', row)
    this.#running = this.#run(row).finally(() => (this.#running = undefined))
    this.ctx.waitUntil(this.#running)
    return this.#running
  }

  async #run(row: Run): Promise<Result<ImageRecord>> {
    await this.#rearm()
    const note = (progress: Progress): void => this.ctx.storage.kv.put('run', { ...row, progress })
    return await this.#finish(row.task, await run(row.task, row.id, this.env, configOf(this.env), note))
  }

  async #finish(task: Task, made: Result<ImageRecord>): Promise<Result<ImageRecord>> {
    const { cacheTtlSeconds } = configOf(this.env)
    const { kv } = this.ctx.storage
    const now = Date.now()
    if (made.ok && made.value.images.length === task.request.n) {
      kv.put<Kept>('kept', { record: made.value, untilMs: now + cacheTtlSeconds * 1000 })
      kv.delete('refused')
      if (task.shared) this.ctx.waitUntil(records.put(this.env.CACHE, made.value, cacheTtlSeconds))
    } else if (!made.ok && REMEMBERED.includes(made.failure.code)) {
      kv.put<Refused>('refused', { failure: made.failure, atMs: now, untilMs: now + REFUSAL_MS })
    }
    kv.delete('run')
    await this.#rearm()
    return made
  }

  /** Sets the one alarm to what is due next, or empties the object when nothing is left in it. */
  async #rearm(): Promise<void> {
    const { kv } = this.ctx.storage
    const now = Date.now()
    if (kv.get<Run>('run')) return await this.ctx.storage.setAlarm(now + HEARTBEAT_MS)
    const due = [kv.get<Kept>('kept'), kv.get<Refused>('refused')].flatMap((row) => (row ? [row.untilMs] : []))
    const next = due.filter((untilMs) => untilMs > now)
    if (next.length === 0) return await this.ctx.storage.deleteAll()
    await this.ctx.storage.setAlarm(Math.min(...next))
  }
}

/** A failure is not remembered, except what the upstream refuses for what it is: asking again would be refused again. */
const REMEMBERED = ['content_rejected', 'invalid_request', 'unsupported_parameter']

const newRunId = (): string => crypto.randomUUID().slice(0, 8)
