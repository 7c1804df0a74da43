import { DurableObject } from 'cloudflare:workers'
import * as z from 'zod'
import { configOf } from '../config'
import { type Failure, type Result, failed, ok } from '../errors'
import { type ImageRecord, imageRecord } from '../image/record'
import { log } from '../log'
import * as images from '../store/images'
import * as records from '../store/records'
import { isComplete, makeImages, type Progress, recordOf, type Task } from './run'

/** How an answer came about, as `x-cache` tells it. */
export type Origin = 'HIT' | 'JOINED' | 'MISS'

export interface Obtained {
  record: ImageRecord
  origin: Origin
}

/** A run under way, kept so that it can be taken up again when the process dies. */
interface RunRow {
  task: Task
  id: string
  /** From 1. */
  attempt: number
  progress: Progress | undefined
}

/** The answer that was made, and until when it is given, in ms since 1970; an earlier version may have written it. */
const keptRow = z.object({ record: imageRecord, untilMs: z.number() })
type KeptRow = z.infer<typeof keptRow>

/** What was refused, when, and until when it is not tried again. */
interface RefusedRow {
  failure: Failure
  atMs: number
  untilMs: number
}

/** While a run is in memory, its object is woken this often: that keeps it alive, and finds a run whose process died. */
const HEARTBEAT_MS = 30_000
const MAX_ATTEMPTS = 2
const REFUSAL_MS = 60_000
/** For an answer that is not whole, or not for others: long enough for its caller to ask again for what it paid for. */
const BRIEFLY_MS = 60_000

/** Makes the images of one fingerprint: once, however many ask at once, and to the end, whoever hangs up. */
export class Generation extends DurableObject<Env> {
  #running: Promise<Result<ImageRecord>> | undefined

  /**
   * Hands back the answer already made, joins the making of it, or makes it. An answer made before `madeSinceMs` (ms
   * since 1970) is too old; one being made is not.
   */
  async obtain(task: Task, madeSinceMs: number): Promise<Result<Obtained>> {
    this.#recover({ asked: true })
    const joined = this.#running !== undefined
    if (!joined) {
      const known = this.#known(madeSinceMs)
      if (known) return known
    }
    const made = await (this.#running ?? this.#start({ task, id: newRunId(), attempt: 1, progress: undefined }))
    return made.ok ? ok({ record: made.value, origin: joined ? 'JOINED' : 'MISS' }) : made
  }

  /** Forgets the answer whose images are gone, so that the next one to ask has them made anew. */
  async forget(runId: string): Promise<void> {
    const kept = this.#kept()
    if (!kept?.record.images.some(({ key }) => images.placeOfKey(key)?.run === runId)) return
    this.ctx.storage.kv.delete('kept')
    await this.#rearm()
    await records.remove(this.env.CACHE, kept.record.id)
  }

  override async alarm(): Promise<void> {
    this.#recover({ asked: false })
    await this.#rearm()
  }

  #kept(): KeptRow | undefined {
    return keptRow.safeParse(this.ctx.storage.kv.get('kept')).data
  }

  #known(madeSinceMs: number): Result<Obtained> | undefined {
    const now = Date.now()
    const kept = this.#kept()
    if (kept && kept.untilMs > now && kept.record.createdMs >= madeSinceMs) {
      return ok({ record: kept.record, origin: 'HIT' })
    }
    const refused = this.ctx.storage.kv.get<RefusedRow>('refused')
    return refused && refused.untilMs > now && refused.atMs >= madeSinceMs ? failed(refused.failure) : undefined
  }

  /**
   * Takes up a run that its process did not survive: by what it had stored, or by running it once more, which is of no
   * use to anybody where nobody asks and nobody else can.
   */
  #recover({ asked }: { asked: boolean }): void {
    const row = this.ctx.storage.kv.get<RunRow>('run')
    if (!row || this.#running) return
    const { task, attempt, progress } = row
    log('run-interrupted', { generation: task.id, request: task.requestId, attempt })
    if (progress && isComplete(progress, task)) {
      void this.#hold(this.#finish(task, ok(recordOf(task, { progress, summary: {} }, Date.now()))))
    } else if (attempt < MAX_ATTEMPTS && (asked || task.shared)) {
      void this.#start({ ...row, id: newRunId(), attempt: attempt + 1, progress: undefined })
    } else {
      void this.#hold(this.#finish(task, failed(INTERRUPTED)))
    }
  }

  /** Nothing awaits between the look at `#running` and its being set: two callers cannot both start. */
  #start(row: RunRow): Promise<Result<ImageRecord>> {
    this.ctx.storage.kv.put('run', row)
    return this.#hold(this.#run(row))
  }

  /** Lets others join what is under way, and keeps it going without them. */
  #hold(running: Promise<Result<ImageRecord>>): Promise<Result<ImageRecord>> {
    this.#running = running.finally(() => (this.#running = undefined))
    this.ctx.waitUntil(this.#running)
    return this.#running
  }

  async #run(row: RunRow): Promise<Result<ImageRecord>> {
    await this.#rearm()
    const { task, id } = row
    const note = (progress: Progress): void => this.ctx.storage.kv.put('run', { ...row, progress })
    return await this.#finish(task, await makeImages({ task, id, env: this.env, config: configOf(this.env), note }))
  }

  async #finish(task: Task, made: Result<ImageRecord>): Promise<Result<ImageRecord>> {
    const { cacheTtlSeconds } = configOf(this.env)
    const { kv } = this.ctx.storage
    const now = Date.now()
    if (made.ok) {
      const shared = task.shared && isComplete(made.value, task)
      kv.put<KeptRow>('kept', { record: made.value, untilMs: now + (shared ? cacheTtlSeconds * 1000 : BRIEFLY_MS) })
      kv.delete('refused')
      if (shared) this.ctx.waitUntil(records.put(this.env.CACHE, made.value, cacheTtlSeconds))
    } else if (REMEMBERED.includes(made.failure.code) || made.failure === INTERRUPTED) {
      kv.put<RefusedRow>('refused', { failure: made.failure, atMs: now, untilMs: now + REFUSAL_MS })
    }
    kv.delete('run')
    await this.#rearm()
    return made
  }

  /** Sets the one alarm to what is due next, or empties the object when nothing is left in it. */
  async #rearm(): Promise<void> {
    const { kv } = this.ctx.storage
    const now = Date.now()
    if (kv.get('run')) return await this.ctx.storage.setAlarm(now + HEARTBEAT_MS)
    const due = [this.#kept(), kv.get<RefusedRow>('refused')].flatMap((row) => (row ? [row.untilMs] : []))
    const next = due.filter((untilMs) => untilMs > now)
    if (next.length === 0) return await this.ctx.storage.deleteAll()
    await this.ctx.storage.setAlarm(Math.min(...next))
  }
}

/** A failure is not remembered, except what the upstream refuses for what it is: asking again would be refused again. */
const REMEMBERED = ['content_rejected', 'invalid_request', 'unsupported_parameter']

/** Whatever it is about this request that ends processes, it is not to be paid for a third time at once. */
const INTERRUPTED: Failure = {
  code: 'upstream_failed',
  message: 'Making this image was interrupted twice. Try again in a minute.',
  retryAfterMs: REFUSAL_MS,
  retry: false,
}

const newRunId = (): string => crypto.randomUUID().slice(0, 8)
