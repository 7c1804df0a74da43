import { DurableObject } from 'cloudflare:workers'
import { configOf } from '../config'
import { type Failure, type Result, failed, ok } from '../errors'
import type { ImageRecord } from '../image/record'
import { describe, log } from '../log'
import * as images from '../store/images'
import * as records from '../store/records'
import type { Payer } from '../team/entry'
import { withDeadline } from './deadline'
import { Memory, type RunRow } from './memory'
import { orderOf, owedFor, priced, reserve, settle, TEAM_UNREACHABLE } from './payment'
import { isComplete, type Progress, recordOf, servedBy } from './progress'
import { makeImages } from './run'
import type { Obtained, Outcome, Task } from './task'

/** What came of a run, and to whom it was refused, if it was that payer's fault alone. */
interface Ended {
  made: Result<ImageRecord>
  refusedTo?: Payer
}

/** How often a run is tried whose process dies. */
const MAX_ATTEMPTS = 2
const REFUSAL_MS = 60_000
/** An image that is made does not wait for longer until its team has heard of it; the alarm tells it again. */
const SETTLE_MS = 10_000
/** For an answer that is not whole, or not for others: long enough for its caller to ask again for what it paid for. */
const BRIEFLY_MS = 60_000

/** Makes the images of one fingerprint: once, however many ask at once, and to the end, whoever hangs up. */
export class Generation extends DurableObject<Env> {
  readonly #memory = new Memory(this.ctx.storage)
  #running: Promise<Ended> | undefined

  /**
   * Hands back the answer already made, joins the making of it, or makes it. An answer made before `madeSinceMs` (ms
   * since 1970) is too old; one being made is not. Who joins a run that its payer was refused starts it anew.
   */
  async obtain(task: Task, madeSinceMs: number): Promise<Result<Obtained>> {
    for (;;) {
      this.#recover({ asked: true })
      const startedBy = this.#memory.run?.task.requestId
      if (!this.#running) break
      const { made, refusedTo } = await this.#running
      if (!refusedTo || isSame(refusedTo, task.payer)) return originating(startedBy, task, 'JOINED', made)
    }
    const known = this.#memory.known(Date.now(), madeSinceMs)
    if (known) return originating(this.#memory.madeFor, task, 'HIT', known)
    const reservation = `run_${crypto.randomUUID().replaceAll('-', '')}`
    const { made } = await this.#start({ task, id: newRunId(), reservation, attempt: 1, progress: undefined })
    return originating(task.requestId, task, 'MISS', made)
  }

  /** Forgets its answer, or only that of one run, and the near copy, which may be of an older answer. */
  async forget(id: string, run?: string): Promise<void> {
    const made = this.#memory.record?.images.map(({ key }) => images.placeOfKey(key)?.run)
    if (made && (run === undefined || made.includes(run))) {
      this.#memory.forgetRecord()
      await this.#memory.rearm(Date.now())
    }
    await records.remove(this.env.CACHE, id)
  }

  override async alarm(): Promise<void> {
    this.#recover({ asked: false })
    await this.#settle()
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
    const ending = (made: Result<ImageRecord>): void =>
      void this.#hold(this.#finish(row, { made, attempts: attempt, last: progress && servedBy(progress) }))
    if (progress && isComplete(progress, task)) {
      ending(ok(recordOf(task, { progress, summary: {} }, Date.now())))
    } else if (attempt < MAX_ATTEMPTS && (asked || task.shared)) {
      void this.#start({ ...row, id: newRunId(), before: row.id, attempt: attempt + 1, progress: undefined })
    } else {
      ending(failed(INTERRUPTED))
    }
  }

  /** Nothing awaits between the look at `#running` and its being set: two callers cannot both start. */
  #start(row: RunRow): Promise<Ended> {
    this.#memory.run = row
    return this.#hold(this.#run(row))
  }

  /** Lets others join what is under way, and keeps it going without them. */
  #hold(running: Promise<Ended>): Promise<Ended> {
    this.#running = running.finally(() => (this.#running = undefined))
    this.ctx.waitUntil(this.#running)
    return this.#running
  }

  async #run(row: RunRow): Promise<Ended> {
    await this.#memory.rearm(Date.now())
    const { task, id } = row
    const config = configOf(this.env)
    const held = await reserve(this.env, task, orderOf(row, config, Date.now()))
    if (!held.ok) return await this.#refuse(row, held.failure)
    const note = (progress: Progress): void => void (this.#memory.run = { ...row, progress })
    const outcome = await makeImages({ task, id, env: this.env, config, note })
    return await this.#finish(row, { ...outcome, attempts: row.attempt - 1 + outcome.attempts })
  }

  /** Ends a run before it has cost anything; what may be held for it is let go of. */
  async #refuse(row: RunRow, failure: Failure): Promise<Ended> {
    const made = failed(failure)
    const attempts = row.attempt - 1
    if (failure.code === TEAM_UNREACHABLE.code || attempts > 0)
      this.#memory.owe(owedFor(row, { made, attempts, last: undefined }))
    this.#memory.endRun()
    await this.#memory.rearm(Date.now())
    return { made, refusedTo: row.task.payer }
  }

  async #finish(row: RunRow, outcome: Outcome): Promise<Ended> {
    const config = configOf(this.env)
    const { task } = row
    const made = outcome.made.ok ? ok(priced(outcome.made.value, task, config)) : outcome.made
    const now = Date.now()
    if (made.ok) {
      const shared = task.shared && isComplete(made.value, task)
      this.#memory.keep(made.value, task.requestId, now + (shared ? config.cacheTtlSeconds * 1000 : BRIEFLY_MS))
      if (shared) this.ctx.waitUntil(records.put(this.env.CACHE, made.value, config.cacheTtlSeconds))
    } else if (REMEMBERED.includes(made.failure.code) || made.failure === INTERRUPTED) {
      this.#memory.refuse(made.failure, now, now + REFUSAL_MS)
    }
    if (outcome.attempts > (made.ok ? 1 : 0)) this.ctx.waitUntil(this.#sweep(row, made))
    this.#memory.owe(owedFor(row, { ...outcome, made }))
    this.#memory.endRun()
    await withDeadline(SETTLE_MS, () => this.#settle()).catch(() => {})
    await this.#memory.rearm(now)
    return { made }
  }

  /** Removes what was stored by attempts that came to nothing: no ledger knows of it. */
  async #sweep({ task, id, before }: RunRow, made: Result<ImageRecord>): Promise<void> {
    const kept = made.ok ? made.value.images.map(({ key }) => key) : []
    try {
      for (const run of [id, before].filter((each) => each !== undefined))
        await images.sweep(this.env.IMAGES, { generation: task.id, run }, kept)
    } catch (error) {
      log('images-not-removed', { generation: task.id, ...describe(error) })
    }
  }

  /** Tells the payers' teams what is owed; what they do not hear now, the alarm tells them again. */
  async #settle(): Promise<void> {
    for (const owed of this.#memory.owed) if (await settle(this.env, owed)) this.#memory.settled(owed)
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

const isSame = (one: Payer, other: Payer): boolean => one.team === other.team && one.key === other.key

/** Whoever asks once more for what its own request had started is answered as if it had never been cut off. */
const originating = (
  startedBy: string | undefined,
  task: Task,
  origin: Obtained['origin'],
  made: Result<ImageRecord>,
): Result<Obtained> =>
  made.ok ? ok({ record: made.value, origin: startedBy === task.requestId ? 'MISS' : origin }) : made
