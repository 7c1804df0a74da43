import { DurableObject } from 'cloudflare:workers'
import { configOf } from '../config'
import { type Failure, type Result, failed, ok } from '../failures/errors'
import type { ImageRecord } from '../image/record'
import { runOfKey } from '../store/images'
import { ownInputKeys, removeInputs } from '../store/inputs'
import { removeRecord } from '../store/records'
import type { Payer } from '../ledger/entry'
import { isEnded, type Snapshot } from '../ledger/snapshot'
import type { JobForm } from '../dialects/job-form'
import type { OnProgress } from './clients'
import { CANCELLED, GONE } from './failures'
import { Machine } from './machine'
import type { Ended, PendingSettlement } from './outcome'
import { JOB_LIFE_MS } from './rows/receivers'
import { answerTo, type SeenGeneration, seenBy, type AcceptedJob } from './seen'
import { holds, isAsking, isBeingCancelled, isEnding, needsInputsOf, runOf, type Subscriber } from './state'
import { type GenerateOptions, type Obtained, type Task, withOrigin } from './task'
import { GenerationUpkeep } from './upkeep'

/** Makes the images of one fingerprint once for all clients, and to the end, even if all clients hang up. */
export class Generation extends DurableObject<Env> {
  readonly #machine = new Machine(this.ctx, this.env)
  readonly #upkeep = new GenerationUpkeep(this.ctx, this.env, this.#machine)

  /** Returns the stored answer, joins the current run, or starts one, and reports progress. */
  async obtain(options: GenerateOptions, onProgress?: OnProgress): Promise<Result<Obtained>> {
    // A run may end again until the look at its answer.
    do await this.#machine.rest()
    while (isEnding(this.#machine.state))
    const known = this.#known(options)
    if (known) {
      const { madeFor } = this.#machine.rows.kept
      if (known.ok) this.#followedJob(options)
      if (options.webhook || options.keepMs > 0 || options.followed) this.#endKnown(options, known)
      if (!known.ok) await this.#leaveInputs(options.task)
      return withOrigin(madeFor, options, 'HIT', known)
    }
    const { made, paidBy } = await this.#waitForEnd(options, onProgress)
    if (!made.ok) await this.#leaveInputs(options.task)
    return withOrigin(paidBy, options, 'JOINED', made)
  }

  /** Accepts a generation as a job of its team, and returns its status once the run is accepted. */
  async submit(options: GenerateOptions, form: JobForm): Promise<Result<AcceptedJob>> {
    do await this.#machine.rest()
    while (isEnding(this.#machine.state))
    const known = this.#known(options)
    const { task, keepMs } = options
    if (known && !known.ok) {
      await this.#leaveInputs(task)
      return known
    }
    const now = Date.now()
    const { receivers, kept } = this.#machine.rows
    const subscribers = [
      receivers.addJob(options, form, this.#firstMomentOf(task) ?? now),
      ...receivers.addHook(options, now, true),
    ]
    kept.hold(Math.max(keepMs, JOB_LIFE_MS), now)
    if (known) this.#endKnown(options, known)
    else this.#machine.dispatch({ is: 'asked', task, subscribers })
    const isAsked = isAsking(this.#machine.state, task.requestId)
    const { refusal, facts } = isAsked ? await this.#machine.performer.reported(task.requestId) : UNREPORTED
    if (refusal) return failed(refusal)
    const seen = seenBy(this.#facts, task.payer.team)
    return seen ? ok({ ...seen, facts }) : failed(GONE)
  }

  /**
   * The generation for a team, or the answer to one request of its jobs. Undefined for a team without a part in it, or
   * after the part has expired.
   */
  async see(team: string, request?: string): Promise<SeenGeneration | undefined> {
    await this.#machine.wake()
    return request === undefined ? seenBy(this.#facts, team) : answerTo(this.#facts, team, request)
  }

  /** Follows the answer to a request of a job to its end, and reports progress. */
  async follow(team: string, request: string, onProgress: OnProgress): Promise<SeenGeneration | undefined> {
    for (;;) {
      await this.#machine.rest()
      const seen = answerTo(this.#facts, team, request)
      if (!seen || isEnded(seen.snapshot)) return seen
      await this.#machine.clients.watch(onProgress)
    }
  }

  /**
   * Cancels the run of its payer, or another team's part in it, and returns the status. Undefined for a team without a
   * part.
   */
  async cancel(team: string): Promise<Snapshot | undefined> {
    await this.#machine.rest()
    const isOwn = runOf(this.#machine.state)?.task.payer.team === team
    const ended = isOwn ? this.#machine.clients.watch() : undefined
    this.#machine.dispatch({ is: 'cancelled', team })
    await this.#machine.until((state) => !isBeingCancelled(state, team) && !isEnding(state))
    // The end of another run comes later.
    const end = await Promise.race([ended, Promise.resolve(undefined)])
    return end?.snapshot ?? seenBy(this.#facts, team)?.snapshot
  }

  /** Drops a request of a client that hung up, if it waits for its turn. A run that has begun is finished. */
  hangUp({ requestId }: Pick<Task, 'requestId'>): void {
    if (configOf(this.env).finishAbandoned === 'all') return
    this.#machine.dispatch({ is: 'left', client: { request: requestId }, failure: CANCELLED })
  }

  /** Starts the queued run of a reservation, or ends it with the refusal of its team. False without such a run. */
  turn(reservation: string, refusal: Failure | undefined): boolean {
    const machine = this.#machine
    machine.dispatch({ is: 'turnCame', reservation, refusal })
    // The call may come twice, so a run with a pending settlement counts.
    return holds(machine.state, reservation) || machine.rows.owed.has(reservation)
  }

  /** Sends an event to its webhook once more; false for an event that has expired. */
  async redeliver(event: string): Promise<boolean> {
    const isKept = await this.#machine.rows.outbox.again(event, Date.now())
    if (isKept) this.#machine.arm()
    return isKept
  }

  /** Stores a failure for the retry, since the clients could not receive it. */
  async remember(failure: Failure, payer: Payer): Promise<void> {
    await this.#machine.rest()
    if (this.#machine.state.phase.is !== 'idle') return
    this.#machine.rows.kept.remember(failure, payer, Date.now())
    this.#machine.arm()
  }

  /** Settles with a team on behalf of a Worker, until the team confirms. */
  owe(pending: PendingSettlement): void {
    const { owed } = this.#machine.rows
    owed.add(pending, Date.now())
    this.#machine.arm()
    this.ctx.waitUntil(owed.settleAll().then(() => this.#machine.arm()))
  }

  /** Removes the answer, or that of one run alone, and the KV record, which may be older. */
  async forget(id: string, run?: string): Promise<void> {
    const { kept } = this.#machine.rows
    const made = kept.record?.images.map(({ key }) => runOfKey(key)?.run)
    if (made && (run === undefined || made.includes(run))) {
      kept.forget()
      this.#machine.arm()
    }
    await removeRecord(this.env.CACHE, id)
  }

  /** Resolves when no settlement is under way. The team knows the end of the last run, unless it is out of reach. */
  async restSettled(): Promise<void> {
    const machine = this.#machine
    if (machine.state.phase.is !== 'settling') return
    machine.recover({ forRequest: false })
    await machine.until(({ phase }) => phase.is !== 'settling')
  }

  /** Removes the ended job of a team and its events. */
  forgetJob(team: string): void {
    const { receivers, outbox } = this.#machine.rows
    receivers.forget(team)
    outbox.forget(team)
  }

  override async alarm(invocation?: AlarmInvocationInfo): Promise<void> {
    await this.#upkeep.ring(invocation)
  }

  get #facts(): Parameters<typeof seenBy>[0] {
    const { state, rows, calls, clients } = this.#machine
    const { receivers, kept } = rows
    return { state, receivers, record: kept.record, startedMs: calls.startedMs, percent: clients.percent }
  }

  #known(options: GenerateOptions): Result<ImageRecord> | undefined {
    const { state, rows } = this.#machine
    return state.phase.is === 'idle' ? rows.kept.known(options, Date.now()) : undefined
  }

  /** The first moment of a request that waited before it became a job, or of a repeated job. In ms since 1970. */
  #firstMomentOf(task: Task): number | undefined {
    const { state, rows } = this.#machine
    const own = [runOf(state), ...state.places].find((order) => order?.task.requestId === task.requestId)
    const job = rows.receivers.of(task.payer.team)
    const again = job && !job.ended && job.task.payer.key === task.payer.key ? job : undefined
    return (own ?? again)?.createdMs
  }

  /** Makes a job of a streamed request that its client follows. */
  #followedJob(options: GenerateOptions): Subscriber[] {
    const { receivers, kept } = this.#machine.rows
    const now = Date.now()
    if (!options.followed) return []
    kept.hold(JOB_LIFE_MS, now)
    return [receivers.addJob(options, options.followed.form, now)]
  }

  async #waitForEnd(options: GenerateOptions, onProgress: OnProgress | undefined): Promise<Ended> {
    const now = Date.now()
    const { task, patienceMs, keepMs, followed } = options
    const machine = this.#machine
    const { id, ended } = machine.clients.join(onProgress)
    const client: Subscriber = { kind: 'client', id, task, isPatient: patienceMs > 0, isHandedOff: false }
    const others = [...machine.rows.receivers.addHook(options, now), ...this.#followedJob(options)]
    machine.rows.kept.hold(keepMs, now)
    machine.dispatch({ is: 'asked', task, subscribers: [client, ...others] })
    const lose = (): void => machine.dispatch({ is: 'left', client: { id }, failure: undefined })
    // A job waits for its turn without an end.
    const timer = followed ? undefined : setTimeout(lose, patienceMs)
    try {
      return await ended
    } finally {
      clearTimeout(timer)
    }
  }

  /** Ends the part of a request by a stored answer. The request that started the run had its notices before. */
  #endKnown(options: GenerateOptions, made: Result<ImageRecord>): void {
    const now = Date.now()
    const { rows, performer } = this.#machine
    rows.receivers.addHook(options, now)
    rows.kept.hold(options.keepMs, now)
    const isSettled = options.isReplay || rows.kept.madeFor === options.task.requestId
    const { failedMs } = rows.kept
    const ids = rows.receivers.subscribers.map(({ id }) => id)
    performer.notify(ids, { task: options.task, made, cost: 0, endedMs: now, failedMs, isSettled }, rows)
    this.#machine.arm()
  }

  /** Removes the input pictures of a request without an answer, unless a run, a place or a job needs them. Never throws. */
  async #leaveInputs(task: Task): Promise<void> {
    const { state, rows } = this.#machine
    if (needsInputsOf(state, task) || rows.receivers.isJob(task.requestId)) return
    await removeInputs(this.env.IMAGES, ownInputKeys(task.request))
  }
}

/** The report on a job without an order of its own. */
const UNREPORTED = { refusal: undefined, facts: undefined }
