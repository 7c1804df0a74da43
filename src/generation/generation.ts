import { DurableObject } from 'cloudflare:workers'
import { configOf } from '../config'
import { type Failure, type Result, failed, ok } from '../failures/errors'
import type { ImageRecord } from '../image/record'
import { runOfKey } from '../store/images'
import { ownInputKeys, removeInputs } from '../store/inputs'
import { removeRecord } from '../store/records'
import type { Payer } from '../ledger/entry'
import type { Snapshot } from '../ledger/snapshot'
import { Subscribers, concerns, type Ended, type OnProgress, type Subscriber } from './subscribers'
import { ProgressWebhooks } from './progress-webhooks'
import { Finalizer } from './finalizer'
import { CANCELLED } from './failures'
import { Jobs, JOB_LIFE_MS } from './jobs'
import { GenerationStore, newRun, type PendingSettlement } from './generation-store'
import { Outbox } from './outbox'
import { RunPlans } from './run-plans'
import { Runner } from './runner'
import { Schedule } from './schedule'
import type { GenerationContext } from './context'
import { type SeenGeneration, seenBy } from './seen'
import { GenerationUpkeep } from './upkeep'
import type { JobForm } from '../dialects/job-form'
import type { GenerateOptions, Obtained, Task } from './task'

/** Makes the images of one fingerprint once for all clients, and to the end, even if all clients hang up. */
export class Generation extends DurableObject<Env> {
  readonly #store = new GenerationStore(this.ctx.storage)
  readonly #jobs = new Jobs(this.ctx.storage)
  readonly #outbox = new Outbox(this.ctx.storage, this.env)
  readonly #subscribers = new Subscribers()
  readonly #context: GenerationContext = {
    ctx: this.ctx,
    env: this.env,
    store: this.#store,
    jobs: this.#jobs,
    outbox: this.#outbox,
    schedule: new Schedule(this.ctx.storage, { store: this.#store, jobs: this.#jobs, outbox: this.#outbox }),
    plans: new RunPlans(this.env),
    progressWebhooks: new ProgressWebhooks(this.ctx, this.env, this.#jobs),
    subscribers: this.#subscribers,
    live: {},
  }
  readonly #finalizer = new Finalizer(this.#context)
  readonly #runner = new Runner(this.#context, this.#finalizer)
  readonly #upkeep = new GenerationUpkeep(this.#context, this.#runner, this.#finalizer)

  /**
   * Returns the stored answer, joins the current run, or starts one, and reports progress. A client that a refusal or
   * cancellation does not concern starts a new run.
   */
  async obtain(options: GenerateOptions, onProgress?: OnProgress): Promise<Result<Obtained>> {
    const untilMs = Date.now() + options.patienceMs
    for (;;) {
      await this.#atRest()
      const known = this.#known(options)
      if (known) {
        if (options.webhook || options.keepMs > 0) await this.#endKnown(options, known)
        if (!known.ok) await this.#leaveInputs(options.task)
        return withOrigin(this.#store.madeFor, options, 'HIT', known)
      }
      const patienceMs = Math.max(0, untilMs - Date.now())
      const { made, only, paidBy } = await this.#waitForRun({ ...options, patienceMs }, onProgress)
      if (!concerns(only, options.task.payer)) continue
      if (!made.ok) await this.#leaveInputs(options.task)
      return withOrigin(paidBy, options, 'JOINED', made)
    }
  }

  /** Accepts a generation as a job of its team, and returns its status once the run is accepted. */
  async submit(options: GenerateOptions, form: JobForm): Promise<Result<SeenGeneration>> {
    await this.#atRest()
    const known = this.#known(options)
    const { task, keepMs } = options
    if (known && !known.ok) await this.#leaveInputs(task)
    if (known && !known.ok) return known
    const now = Date.now()
    const earlier = this.#jobs.of(task.payer.team)
    const { run } = this.#store
    // A request that waited before it became a job, or a repeated job, keeps its first moment.
    const again = earlier && !earlier.ended && earlier.task.payer.key === task.payer.key ? earlier : undefined
    const own = [run, ...this.#store.places].find((each) => each?.task.requestId === task.requestId) ?? again
    this.#jobs.put(options, form, own?.createdMs ?? now)
    this.#jobs.hook(options, now, true)
    this.#store.hold(Math.max(keepMs, JOB_LIFE_MS), now)
    if (known) await this.#endKnown(options, known)
    else if (!run) {
      const refusal = await this.#runner.begin(newRun(task), { reportsRefusal: true })
      if (refusal && earlier) this.#jobs.restore(earlier)
      if (refusal) return failed(refusal)
    } else {
      const offered = this.#runner.queued.offer(task)
      if (run.queued) await offered
    }
    const seen = seenBy(this.#context, task.payer.team)
    return seen ? ok(seen) : failed(GONE)
  }

  /** The generation for a team; undefined for a team without a part in it, or after the part has expired. */
  async see(team: string): Promise<SeenGeneration | undefined> {
    await this.#context.schedule.wake()
    return seenBy(this.#context, team)
  }

  /**
   * Cancels the run of its payer, or another team's part in it, and returns the status. Undefined for a team without a
   * part.
   */
  async cancel(team: string): Promise<Snapshot | undefined> {
    await this.#atRest()
    const { run } = this.#store
    if (run?.task.payer.team === team) {
      const ended = this.#subscribers.watch()
      if (await this.#runner.cancel(run)) return (await ended).snapshot
    }
    const job = this.#jobs.of(team)
    if (job && !job.ended) {
      await this.#finalizer.dismiss(job.task, CANCELLED)
      await this.#runner.queued.leave(job.task.payer)
    }
    return seenBy(this.#context, team)?.snapshot
  }

  /** Drops a request of a client that hung up, if it waits for its turn. A run that has begun is finished. */
  async hangUp({ requestId, payer }: Pick<Task, 'requestId' | 'payer'>): Promise<void> {
    await this.#runner.queued.ordered
    if (!this.#store.run?.queued || configOf(this.env).finishAbandoned === 'all') return
    this.#subscribers.leaveRequest(requestId, CANCELLED)
    await this.#runner.queued.leave(payer)
  }

  /** Starts the queued run of a reservation, or ends it with the refusal of its team. False without such a run. */
  turn(reservation: string, refusal: Failure | undefined): boolean {
    return this.#runner.turn(reservation, refusal)
  }

  /** Sends an event to its webhook once more; false for an event that has expired. */
  async redeliver(event: string): Promise<boolean> {
    const isKept = await this.#outbox.again(event, Date.now())
    if (isKept) await this.#context.schedule.rearm()
    return isKept
  }

  /** Stores a failure for the retry, since the clients could not receive it. */
  async remember(failure: Failure, payer: Payer): Promise<void> {
    await this.#atRest()
    if (!this.#store.run) await this.#finalizer.remember(failure, payer)
  }

  /** Settles with a team on behalf of a Worker, until the team confirms. */
  async owe(pending: PendingSettlement): Promise<void> {
    this.#store.addPendingSettlement(pending, Date.now())
    await this.#context.schedule.rearm()
    this.ctx.waitUntil(this.#finalizer.settle().then(() => this.#context.schedule.rearm()))
  }

  /** Removes the answer, or that of one run alone, and the KV record, which may be older. */
  async forget(id: string, run?: string): Promise<void> {
    const made = this.#store.record?.images.map(({ key }) => runOfKey(key)?.run)
    if (made && (run === undefined || made.includes(run))) {
      this.#store.forgetRecord()
      await this.#context.schedule.rearm()
    }
    await removeRecord(this.env.CACHE, id)
  }

  /** Removes the ended job of a team and its events. */
  forgetJob(team: string): void {
    this.#jobs.forget(team)
    this.#outbox.forget(team)
  }

  override async alarm(invocation?: AlarmInvocationInfo): Promise<void> {
    await this.#upkeep.ring(invocation)
  }

  /** Sets a missing alarm, resumes a run without a process, and waits for an ending run. */
  async #atRest(): Promise<void> {
    await this.#context.schedule.wake()
    await this.#runner.atRest()
  }

  #known(options: GenerateOptions): Result<ImageRecord> | undefined {
    return this.#store.run ? undefined : this.#store.known(options, Date.now())
  }

  /** Ends the part of a request by a stored answer. The request that started the run had its notices before. */
  async #endKnown(options: GenerateOptions, made: Result<ImageRecord>): Promise<void> {
    const now = Date.now()
    this.#jobs.hook(options, now)
    this.#store.hold(options.keepMs, now)
    const isSettled = options.isReplay || this.#store.madeFor === options.task.requestId
    await this.#finalizer.end({ task: options.task, made, cost: 0, endedMs: now, isSettled })
  }

  /** Waits for the end of the run, and starts one if there is none. */
  async #waitForRun(options: GenerateOptions, onProgress: OnProgress | undefined): Promise<Ended> {
    const now = Date.now()
    const subscriber = this.#subscribers.join(options, onProgress)
    this.#jobs.hook(options, now)
    this.#store.hold(options.keepMs, now)
    if (!this.#store.run) void this.#runner.begin(newRun(options.task), { reportsRefusal: true })
    const offered = this.#runner.queued.offer(options.task)
    const timer = setTimeout(() => void this.#endWait(options, subscriber, offered), options.patienceMs)
    try {
      return await subscriber.ended
    } finally {
      clearTimeout(timer)
      this.#subscribers.leave(subscriber)
    }
  }

  /** Ends the wait of a client when its patience for the queue is over. */
  async #endWait(
    { task }: GenerateOptions,
    subscriber: Subscriber,
    offered: Promise<Failure | undefined>,
  ): Promise<void> {
    const refusal = await offered
    const { run } = this.#store
    if (!run?.queued || !this.#subscribers.has(subscriber)) return
    this.#jobs.unhook(task.requestId)
    this.#subscribers.leave(subscriber)
    // The client may retry at once and must not find the run that is being given up.
    await this.#runner.queued.leave(task.payer)
    subscriber.end({ made: failed(refusal ?? run.queued) })
  }

  /** Removes the input pictures of a request without an answer, unless a run, a place or a job needs them. Never throws. */
  async #leaveInputs(task: Task): Promise<void> {
    if (this.#store.needsInputsOf(task) || this.#jobs.isJob(task.requestId)) return
    await removeInputs(this.env.IMAGES, ownInputKeys(task.request))
  }
}

/** A job that ended and was deleted while it was being accepted. */
const GONE: Failure = {
  code: 'unavailable',
  message: 'The generation was deleted while it was asked for. Send the request again.',
  retryAfterMs: 1000,
}

/** A retry of the request that started this run is reported as MISS (it pays), not HIT or JOINED. */
const withOrigin = (
  startedBy: string | undefined,
  { task }: GenerateOptions,
  origin: Obtained['origin'],
  made: Result<ImageRecord>,
): Result<Obtained> =>
  made.ok ? ok({ record: made.value, origin: startedBy === task.requestId ? 'MISS' : origin }) : made
