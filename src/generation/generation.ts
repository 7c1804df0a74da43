import { DurableObject } from 'cloudflare:workers'
import { configOf } from '../config'
import { type Failure, type Result, failed, ok } from '../failures/errors'
import type { ImageRecord } from '../image/record'
import { runOfKey } from '../store/images'
import { ownInputKeys, removeInputs } from '../store/inputs'
import { removeRecord } from '../store/records'
import type { Payer } from '../ledger/entry'
import { isEnded, type Snapshot } from '../ledger/snapshot'
import { Subscribers, concerns, type OnProgress } from './subscribers'
import { ProgressWebhooks } from './progress-webhooks'
import { Finalizer } from './finalizer'
import { CANCELLED, GONE } from './failures'
import { Jobs, JOB_LIFE_MS } from './jobs'
import { Joining } from './joining'
import { GenerationStore, type PendingSettlement } from './generation-store'
import { Outbox } from './outbox'
import { RunPlans } from './run-plans'
import { Runner } from './runner'
import { Schedule } from './schedule'
import type { GenerationContext } from './context'
import { answerTo, type SeenGeneration, seenBy } from './seen'
import { GenerationUpkeep } from './upkeep'
import type { JobForm } from '../dialects/job-form'
import { type GenerateOptions, type Obtained, type Task, withOrigin } from './task'

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
  readonly #joining = new Joining(this.#context, this.#runner)
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
        if (known.ok) this.#joining.takeFollowed(options)
        if (options.webhook || options.keepMs > 0 || options.followed) await this.#endKnown(options, known)
        if (!known.ok) await this.#leaveInputs(options.task)
        return withOrigin(this.#store.madeFor, options, 'HIT', known)
      }
      const patienceMs = Math.max(0, untilMs - Date.now())
      const { made, only, paidBy } = await this.#joining.waitForRun({ ...options, patienceMs }, onProgress)
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
      const refusal = await this.#joining.begin(task, earlier)
      if (refusal) return failed(refusal)
    } else {
      const offered = this.#runner.queued.offer(task)
      if (run.queued) await offered
    }
    const seen = seenBy(this.#context, task.payer.team)
    return seen ? ok(seen) : failed(GONE)
  }

  /**
   * The generation for a team, or the answer to one request of its jobs. Undefined for a team without a part in it, or
   * after the part has expired.
   */
  async see(team: string, request?: string): Promise<SeenGeneration | undefined> {
    await this.#context.schedule.wake()
    return request === undefined ? seenBy(this.#context, team) : answerTo(this.#context, team, request)
  }

  /** Follows the answer to a request of a job to its end, and reports progress. */
  async follow(team: string, request: string, onProgress: OnProgress): Promise<SeenGeneration | undefined> {
    for (;;) {
      await this.#atRest()
      const seen = answerTo(this.#context, team, request)
      if (!seen || isEnded(seen.snapshot)) return seen
      await this.#subscribers.watch(onProgress)
    }
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

  /** Removes the input pictures of a request without an answer, unless a run, a place or a job needs them. Never throws. */
  async #leaveInputs(task: Task): Promise<void> {
    if (this.#store.needsInputsOf(task) || this.#jobs.isJob(task.requestId)) return
    await removeInputs(this.env.IMAGES, ownInputKeys(task.request))
  }
}
