import { DurableObject } from 'cloudflare:workers'
import { configOf } from '../config'
import { type Failure, type Result, failed, ok } from '../errors'
import type { ImageRecord } from '../image/record'
import { log } from '../log'
import * as images from '../store/images'
import * as records from '../store/records'
import { Memory, type RunRow } from './memory'
import { isComplete, makeImages, type Progress, recordOf, type Task } from './run'

/** An answer, and how it came about, as `x-cache` tells it. */
export interface Obtained {
  record: ImageRecord
  origin: 'HIT' | 'JOINED' | 'MISS'
}

/** How often a run is tried whose process dies. */
const MAX_ATTEMPTS = 2
const REFUSAL_MS = 60_000
/** For an answer that is not whole, or not for others: long enough for its caller to ask again for what it paid for. */
const BRIEFLY_MS = 60_000

/** Makes the images of one fingerprint: once, however many ask at once, and to the end, whoever hangs up. */
export class Generation extends DurableObject<Env> {
  readonly #memory = new Memory(this.ctx.storage)
  #running: Promise<Result<ImageRecord>> | undefined

  /**
   * Hands back the answer already made, joins the making of it, or makes it. An answer made before `madeSinceMs` (ms
   * since 1970) is too old; one being made is not.
   */
  async obtain(task: Task, madeSinceMs: number): Promise<Result<Obtained>> {
    this.#recover({ asked: true })
    if (this.#running) return originating('JOINED', await this.#running)
    const known = this.#memory.known(Date.now(), madeSinceMs)
    if (known) return originating('HIT', known)
    return originating('MISS', await this.#start({ task, id: newRunId(), attempt: 1, progress: undefined }))
  }

  /** Forgets the answer of a run whose images are gone, and the near copy, which may be of an older answer. */
  async forget(id: string, runId: string): Promise<void> {
    if (this.#memory.record?.images.some(({ key }) => images.placeOfKey(key)?.run === runId)) {
      this.#memory.forgetRecord()
      await this.#memory.rearm(Date.now())
    }
    await records.remove(this.env.CACHE, id)
  }

  override async alarm(): Promise<void> {
    this.#recover({ asked: false })
    await this.#memory.rearm(Date.now())
  }

  /**
   * Takes up a run that its process did not survive: by what it had stored, or by running it once more, which is of no
   * use to anybody where nobody asks and nobody else can.
   */
  #recover({ asked }: { asked: boolean }): void {
    const row = this.#memory.run
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
    this.#memory.run = row
    return this.#hold(this.#run(row))
  }

  /** Lets others join what is under way, and keeps it going without them. */
  #hold(running: Promise<Result<ImageRecord>>): Promise<Result<ImageRecord>> {
    this.#running = running.finally(() => (this.#running = undefined))
    this.ctx.waitUntil(this.#running)
    return this.#running
  }

  async #run(row: RunRow): Promise<Result<ImageRecord>> {
    await this.#memory.rearm(Date.now())
    const { task, id } = row
    const note = (progress: Progress): void => void (this.#memory.run = { ...row, progress })
    return await this.#finish(task, await makeImages({ task, id, env: this.env, config: configOf(this.env), note }))
  }

  async #finish(task: Task, made: Result<ImageRecord>): Promise<Result<ImageRecord>> {
    const { cacheTtlSeconds } = configOf(this.env)
    const now = Date.now()
    if (made.ok) {
      const shared = task.shared && isComplete(made.value, task)
      this.#memory.keep(made.value, now + (shared ? cacheTtlSeconds * 1000 : BRIEFLY_MS))
      if (shared) this.ctx.waitUntil(records.put(this.env.CACHE, made.value, cacheTtlSeconds))
    } else if (REMEMBERED.includes(made.failure.code) || made.failure === INTERRUPTED) {
      this.#memory.refuse(made.failure, now, now + REFUSAL_MS)
    }
    this.#memory.endRun()
    await this.#memory.rearm(now)
    return made
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

const originating = (origin: Obtained['origin'], made: Result<ImageRecord>): Result<Obtained> =>
  made.ok ? ok({ record: made.value, origin }) : made
