import { configOf } from '../config'
import { type Failure, GatewayError, type Result, failed, ok } from '../failures/errors'
import { describe, log } from '../runtime/log'
import type { QueuedOrder } from '../ledger/entry'
import type { Ended } from './subscribers'
import type { Finalizer } from './finalizer'
import { CANCELLED, FAILED } from './failures'
import { newRun, type RunRow } from './generation-store'
import { holdOrWait, mayAskAgain, patienceMsOf } from './demand'
import { TEAM_UNREACHABLE } from './payment'
import type { Progress } from './progress'
import { QueuedRun } from './queued-run'
import { abandoned, afterError, nextAttempt } from './recovery'
import { makeImages } from './make'
import type { RunNews } from './run'
import type { GenerationContext } from './context'
import type { RunOutcome } from './task'

/** Carries a run from its order to its end, across crashes of the process. */
export class Runner {
  readonly #context: GenerationContext
  readonly #finalizer: Finalizer
  /** Stops the run of this process; undefined without one. */
  #current: AbortController | undefined
  /** A turn or refusal that arrived before the reply to its order. */
  #earlyTurn: { reservation: string; refusal: Failure | undefined } | undefined
  /** Resolves when an ending run is released; undefined without one. */
  #ending: Promise<void> | undefined
  /** Resolves when the newest run has its reservation, its place in the queue, or its refusal. */
  #ordered: Promise<unknown> = Promise.resolve()
  /** The wait of the run for its turn. */
  readonly queued: QueuedRun

  constructor(context: GenerationContext, finalizer: Finalizer) {
    this.#context = context
    this.#finalizer = finalizer
    this.queued = new QueuedRun(context, {
      ordered: () => this.#ordered,
      begin: (row) => void this.begin(row),
      start: (row) => this.#take((cancel) => this.#start(row, cancel)),
      refuse: (row, failure) => this.#take(() => this.#refuse(row, failure)),
      settle: async () => {
        await this.#finalizer.settle()
        await this.#context.schedule.rearm()
      },
    })
  }

  /**
   * Starts a run. Resolves with an immediate refusal; `reportsRefusal` means that the caller reports it. Nothing awaits between
   * the look at `store.run` and this, so two callers cannot both start.
   */
  async begin(row: RunRow, { reportsRefusal } = { reportsRefusal: false }): Promise<Failure | undefined> {
    this.#context.store.run = row
    const { promise, resolve } = Promise.withResolvers<Failure | undefined>()
    this.#ordered = promise
    const ordered = (refusal: Failure | undefined): void => {
      if (refusal && reportsRefusal) this.#context.jobs.refuse(row.task)
      resolve(refusal)
    }
    // An error must not leave the caller waiting.
    this.#take((cancel) => this.#order(row, cancel, ordered).finally(() => resolve(FAILED)))
    return await promise
  }

  /**
   * Starts the queued run of a reservation, or ends it with a refusal; false for an unwanted one. The call may come
   * twice, so a run with a pending settlement counts.
   */
  turn(reservation: string, refusal: Failure | undefined): boolean {
    const { run } = this.#context.store
    if (run?.reservation !== reservation || run.queued) return this.queued.turn(reservation, refusal)
    this.#earlyTurn = { reservation, refusal }
    return true
  }

  /** Cancels a run, as far as it can be stopped. False if it ended or was taken over meanwhile. */
  async cancel(row: RunRow): Promise<boolean> {
    if (row.queued && (await this.queued.cancel(row))) return true
    if (!this.#isUnderWay(row)) return false
    this.#current?.abort(new GatewayError(CANCELLED))
    return true
  }

  /**
   * Resumes a run without a process: by its stored images, by the upstream's job, or by another attempt. Reruns only if
   * someone waits or the result is shareable.
   */
  recover({ asked }: { asked: boolean }): void {
    const { store, env, jobs } = this.#context
    const row = store.run
    if (!row) return this.#beginNext()
    if (row.queued || this.#current) return
    // Under wrong settings, the run waits for right ones.
    configOf(env)
    const { task, attempt } = row
    log('run-interrupted', { generation: task.id, request: task.requestId, attempt })
    const again = nextAttempt(row, asked || task.shared || jobs.isAwaited)
    if (again) return void this.begin(again)
    this.#take(() => this.#abandon(row))
  }

  /**
   * Resumes a run without a process, and waits for an ending run. A run that began meanwhile would be released with it.
   */
  async atRest(): Promise<void> {
    this.recover({ asked: true })
    await this.#ending
  }

  #isUnderWay({ reservation }: RunRow): boolean {
    return this.#context.store.run?.reservation === reservation
  }

  /** Starts a step of a run, which outlives its clients. */
  #take(step: (cancel: AbortSignal) => Promise<void>): void {
    this.#current = new AbortController()
    const done = step(this.#current.signal).catch((error: unknown) => {
      log('run-failed', describe(error))
      const { store } = this.#context
      if (store.run) store.run = afterError(store.run)
      this.#leave({ made: failed(FAILED) })
    })
    this.#context.ctx.waitUntil(done)
  }

  async #order(row: RunRow, cancel: AbortSignal, ordered: (refusal: Failure | undefined) => void): Promise<void> {
    await this.#context.schedule.rearm()
    const held = await this.#reserve(row)
    // A run that began earlier goes on without its team: its money is reserved.
    const isBegun = row.progress !== undefined && !held.ok && held.failure === TEAM_UNREACHABLE
    const refusal = held.ok || isBegun ? undefined : held.failure
    ordered(refusal)
    if (refusal === TEAM_UNREACHABLE && !cancel.aborted && mayAskAgain(this.#context, row))
      return await this.#wait(row, cancel)
    // A cancelled run too: its reservation may exist.
    if (refusal && !row.progress) return await this.#refuse(row, refusal)
    if (refusal) return await this.#abandon(row, refusal)
    if (held.ok && held.value) return await this.#wait({ ...row, queued: held.value.instead }, cancel)
    if (cancel.aborted) return await this.#abandon(row, CANCELLED)
    await this.#make(row, cancel)
  }

  /** Ends a run that does not go on, and its calls of an earlier process. Its stored images are the result. */
  #abandon(row: RunRow, failure?: Failure): Promise<void> {
    const { ctx, env, plans } = this.#context
    const run = { env, config: configOf(env), task: row.task, plan: plans.of(row) }
    const later = (work: Promise<void>): void => ctx.waitUntil(work)
    return this.#end(abandoned(run, row, failure, later).then((outcome) => this.#finalizer.finish(row, outcome)))
  }

  /** Leaves a run to the team's call or the next alarm, unless it was cancelled meanwhile. */
  async #wait(row: RunRow, { aborted }: AbortSignal): Promise<void> {
    this.#context.store.run = row
    this.#current = undefined
    if (aborted) await this.queued.cancel(row)
    else await this.#context.schedule.rearm()
  }

  /** Reserves, or joins the queue. The turn may come before the reply with the place. */
  async #reserve(row: RunRow): Promise<Result<QueuedOrder | undefined>> {
    const held = await holdOrWait(this.#context, row)
    if (!held.ok || this.#earlyTurn?.reservation !== row.reservation) return held
    const { refusal } = this.#earlyTurn
    return refusal ? failed(refusal) : ok(undefined)
  }

  /** Makes the images of a run after its turn; the alarm is its heartbeat from now on. */
  async #start(row: RunRow, cancel: AbortSignal): Promise<void> {
    await this.#context.schedule.rearm()
    await this.#make(row, cancel)
  }

  async #make(row: RunRow, cancel: AbortSignal): Promise<void> {
    const { env, store, plans, subscribers, progressWebhooks, live } = this.#context
    const { task, id, progress: before } = row
    const save = (progress: Progress): void => void (store.run = { ...row, progress })
    const report = (news: RunNews): void => {
      if (!('partial' in news)) Object.assign(live, news)
      if (!('startedMs' in news)) subscribers.show(news)
      if ('percent' in news) progressWebhooks.report(news.percent)
    }
    const config = configOf(env)
    const outcome = await makeImages({
      task,
      plan: plans.of(row),
      id,
      env,
      config,
      patienceMs: patienceMsOf(this.#context),
      isJob: this.#context.jobs.isOpen,
      cancel,
      before,
      save,
      report,
    })
    await this.#finish(row, outcome)
  }

  #finish(row: RunRow, outcome: RunOutcome): Promise<void> {
    return this.#end(this.#finalizer.finish(row, outcome))
  }

  #refuse(row: RunRow, failure: Failure): Promise<void> {
    return this.#end(this.#finalizer.refuse(row, failure))
  }

  async #end(ended: Promise<Ended>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ending = promise
    try {
      this.#leave(await ended)
    } finally {
      this.#ending = undefined
      resolve()
    }
  }

  /** Releases an ended run, and starts the next one. */
  #leave(ended: Ended): void {
    const { subscribers, live } = this.#context
    this.#current = undefined
    this.#earlyTurn = undefined
    delete live.startedMs
    delete live.percent
    subscribers.end(ended)
    this.#beginNext()
  }

  /** Starts a run for demand that is left. */
  #beginNext(): void {
    const { jobs, store } = this.#context
    const { next } = jobs
    if (next && !store.run && !this.#current) void this.begin(newRun(next))
  }
}
