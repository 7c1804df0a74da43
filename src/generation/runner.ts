import { configOf } from '../config'
import { type Failure, GatewayError, type Result, failed, ok } from '../runtime/errors'
import { describe, log } from '../runtime/log'
import type { QueuedOrder } from '../ledger/entry'
import type { Ended } from './subscribers'
import type { Finalizer } from './finalizer'
import { CANCELLED, FAILED } from './failures'
import { newRun, type RunRow } from './generation-store'
import { hold, holdOrWait, isWanted, patienceMsOf } from './demand'
import { TEAM_UNREACHABLE, withdraw } from './payment'
import type { Progress } from './progress'
import { letAllGo, nextAttempt, whatItLeft } from './recovery'
import { makeImages } from './make'
import type { News } from './run'
import type { GenerationContext } from './context'
import type { Outcome } from './task'

/** Carries a run from its order to its end, through whatever becomes of the process. */
export class Runner {
  readonly #context: GenerationContext
  readonly #closing: Finalizer
  /** Aborted to stop the run that this process has in hand; undefined while it has none. */
  #hand: AbortController | undefined
  /** The reservation whose turn came, or which was refused, before its place in the queue was told. */
  #called: { reservation: string; refusal: Failure | undefined } | undefined
  /** Resolves when a run that has ended is let go of; undefined where none is ending. */
  #ending: Promise<void> | undefined
  /** Resolves when it is known whether the newest run waits for its turn. */
  ordered: Promise<unknown> = Promise.resolve()

  constructor(context: GenerationContext, closing: Finalizer) {
    this.#context = context
    this.#closing = closing
  }

  /**
   * Starts a run; the promise tells why it was refused at once, if it was, and `isTold` that whoever asked is told by
   * that. Nothing awaits between the look at `memory.run` and this: two callers cannot both start.
   */
  async begin(row: RunRow, { isTold } = { isTold: false }): Promise<Failure | undefined> {
    this.#context.store.run = row
    const { promise, resolve } = Promise.withResolvers<Failure | undefined>()
    this.ordered = promise
    const ordered = (refusal: Failure | undefined): void => {
      if (refusal && isTold) this.#context.jobs.refuse(row.task)
      resolve(refusal)
    }
    // Whatever goes wrong meanwhile, nobody waits for ever.
    this.#take((cancel) => this.#order(row, cancel, ordered).finally(() => resolve(FAILED)))
    return await promise
  }

  /**
   * Starts the run of a reservation whose turn has come, or ends one that is refused; false where there is none. It may be
   * told twice: what has ended by then is not to be let go of before it is settled.
   */
  turn(reservation: string, refusal: Failure | undefined): boolean {
    const row = this.#context.store.run
    if (row?.reservation !== reservation) return this.#context.store.owes(reservation)
    const { queued, ...called } = row
    if (queued) {
      this.#context.store.run = called
      this.#take((cancel) => (refusal ? this.#refuse(called, refusal) : this.#start(called, cancel)))
    } else {
      this.#called = { reservation, refusal }
    }
    return true
  }

  /** Gives up the place in the queue of a run that nobody waits for any more, unless its turn has come. */
  async giveUp(row: RunRow): Promise<void> {
    const { queued, ...again } = row
    if (!queued || !(await withdraw(this.#context.env, row)) || !this.#isQueued(row)) return
    // Somebody may have come meanwhile.
    if (isWanted(this.#context)) void this.begin(again)
    else this.#take(() => this.#refuse(row, queued))
  }

  /** Stops a run, as far as it can be stopped. */
  async cancel(row: RunRow): Promise<void> {
    if (row.queued) await withdraw(this.#context.env, row)
    if (this.#isQueued(row)) this.#take(() => this.#refuse(row, CANCELLED))
    else if (this.#isUnderWay(row)) this.#hand?.abort(new GatewayError(CANCELLED))
  }

  /**
   * Takes up a run that its process did not survive: by what it had stored, by the upstream's own job, or by running it
   * once more, which is of no use to anybody where nobody asks and nobody else can.
   */
  recover({ asked }: { asked: boolean }): void {
    const { store, env, jobs } = this.#context
    const row = store.run
    if (!row) return this.#beginNext()
    if (row.queued || this.#hand) return
    const { task, attempt } = row
    log('run-interrupted', { generation: task.id, request: task.requestId, attempt })
    const again = nextAttempt(row, asked || task.shared || jobs.isAwaited)
    if (again) return void this.begin(again)
    this.#take(() => this.#abandon(row, whatItLeft(row, configOf(env))))
  }

  /**
   * Takes up what its process did not survive, and resolves when no run is ending: one that begins meanwhile would be
   * let go of together with that.
   */
  async atRest(): Promise<void> {
    this.recover({ asked: true })
    await this.#ending
  }

  /** Asks whether the turn of a run has come, in case that its call was lost; gives up where nobody waits any more. */
  async askAgain(row: RunRow): Promise<void> {
    if (!isWanted(this.#context)) await this.giveUp(row)
    // Its team may have forgotten it, and then has to decide anew.
    if (!this.#isQueued(row)) return
    const held = await hold(this.#context, row, isWanted(this.#context))
    if (!held.ok && held.failure === TEAM_UNREACHABLE) return
    if (!held.ok || !held.value) this.turn(row.reservation, held.ok ? undefined : held.failure)
  }

  #isUnderWay({ reservation }: RunRow): boolean {
    return this.#context.store.run?.reservation === reservation
  }

  #isQueued(row: RunRow): boolean {
    return this.#isUnderWay(row) && this.#context.store.run?.queued !== undefined
  }

  /** Takes a run in hand, and keeps it going without those who wait for it. */
  #take(step: (cancel: AbortSignal) => Promise<void>): void {
    this.#hand = new AbortController()
    const done = step(this.#hand.signal).catch((error: unknown) => {
      log('run-failed', describe(error))
      this.#leave({ made: failed(FAILED) })
    })
    this.#context.ctx.waitUntil(done)
  }

  async #order(row: RunRow, cancel: AbortSignal, ordered: (refusal: Failure | undefined) => void): Promise<void> {
    await this.#closing.rearm()
    const held = await this.#reserve(row)
    // What an earlier process has begun goes on though its team cannot be asked once more: its money is held.
    const isBegun = row.progress !== undefined && !held.ok && held.failure === TEAM_UNREACHABLE
    const refusal = held.ok || isBegun ? undefined : held.failure
    ordered(refusal)
    const waits = held.ok ? held.value : undefined
    // Also of one that is cancelled, whose money may be held: nobody could tell.
    if (refusal && !row.progress) return await this.#refuse(row, refusal)
    const left = whatItLeft(row, configOf(this.#context.env), refusal)
    if (refusal) return await this.#abandon(row, left)
    if (waits) return await this.#wait({ ...row, queued: waits.instead }, cancel)
    if (cancel.aborted) return await this.#abandon(row, { ...left, made: failed(CANCELLED) })
    await this.#make(row, cancel)
  }

  /** Ends a run that does not go on, and what an earlier process had in hand for it. */
  #abandon(row: RunRow, outcome: Outcome): Promise<void> {
    const { ctx, env, plans } = this.#context
    ctx.waitUntil(letAllGo(env, row, plans.of(row)))
    return this.#finish(row, outcome)
  }

  /** Lets a run wait for its turn, unless it was cancelled before it was known that it has to. */
  async #wait(row: RunRow, { aborted }: AbortSignal): Promise<void> {
    this.#context.store.run = row
    this.#hand = undefined
    await (aborted ? this.cancel(row) : this.#closing.rearm())
  }

  /** Reserves, or has it wait for its turn; that may have come by the time at which its place in the queue is told. */
  async #reserve(row: RunRow): Promise<Result<QueuedOrder | undefined>> {
    const held = await holdOrWait(this.#context, row)
    if (!held.ok || this.#called?.reservation !== row.reservation) return held
    const { refusal } = this.#called
    return refusal ? failed(refusal) : ok(undefined)
  }

  /** Makes the images of a run whose turn has come; from now on its alarm is its heartbeat. */
  async #start(row: RunRow, cancel: AbortSignal): Promise<void> {
    await this.#closing.rearm()
    await this.#make(row, cancel)
  }

  async #make(row: RunRow, cancel: AbortSignal): Promise<void> {
    const { env, store, plans, subscribers, progressWebhooks, live } = this.#context
    const { task, id, progress: before } = row
    const note = (progress: Progress): void => void (store.run = { ...row, progress })
    const tell = (news: News): void => {
      if (!('partial' in news)) Object.assign(live, news)
      if (!('startedMs' in news)) subscribers.show(news)
      if ('percent' in news) progressWebhooks.tell(news.percent)
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
      note,
      tell,
    })
    await this.#finish(row, outcome)
  }

  #finish(row: RunRow, outcome: Outcome): Promise<void> {
    return this.#end(this.#closing.finish(row, outcome))
  }

  #refuse(row: RunRow, failure: Failure): Promise<void> {
    return this.#end(this.#closing.refuse(row, failure))
  }

  async #end(closing: Promise<Ended>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#ending = promise
    try {
      this.#leave(await closing)
    } finally {
      this.#ending = undefined
      resolve()
    }
  }

  /** Lets go of a run that has ended; whoever wants the images still has them made. */
  #leave(ended: Ended): void {
    const { subscribers, live } = this.#context
    this.#hand = undefined
    this.#called = undefined
    delete live.startedMs
    delete live.percent
    subscribers.end(ended)
    this.#beginNext()
  }

  /** Begins what is still to be done once nothing is under way. */
  #beginNext(): void {
    const { jobs, store } = this.#context
    const { next } = jobs
    if (next && !store.run && !this.#hand) void this.begin(newRun(next))
  }
}
