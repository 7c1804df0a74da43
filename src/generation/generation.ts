import { DurableObject } from 'cloudflare:workers'
import { configOf } from '../config'
import { type Failure, type Result, failed, ok } from '../runtime/errors'
import type { ImageRecord } from '../image/record'
import { runOfKey } from '../store/images'
import { removeRecord } from '../store/records'
import type { Payer } from '../ledger/entry'
import type { Snapshot } from '../ledger/snapshot'
import { Subscribers, concerns, type Ended, type OnProgress, type Subscriber } from './subscribers'
import { ProgressWebhooks } from './progress-webhooks'
import { Finalizer } from './finalizer'
import { withDeadline } from '../runtime/deadline'
import { CANCELLED } from './failures'
import { Jobs, TOLD_MS } from './jobs'
import { GenerationStore, newRun } from './generation-store'
import { Outbox } from './outbox'
import { RunPlans } from './run-plans'
import { Runner } from './runner'
import type { GenerationContext } from './context'
import { begun } from './snapshot'
import type { JobForm } from '../dialects/job-form'
import type { GenerateOptions, Obtained } from './task'

/** For so long an alarm waits for receivers, in ms. */
const SEND_MS = 1000

/** A generation as one of the teams that asked for it may see it. */
export interface Seen {
  snapshot: Snapshot
  /** How its result is to be worded, and that, where it was handed off and has succeeded. */
  form?: JobForm
  record?: ImageRecord | undefined
}

/** Makes the images of one fingerprint: once, however many ask at once, and to the end, whoever hangs up. */
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
    plans: new RunPlans(this.env),
    progressWebhooks: new ProgressWebhooks(this.ctx, this.env, this.#jobs),
    subscribers: this.#subscribers,
    live: {},
  }
  readonly #closing = new Finalizer(this.#context)
  readonly #runner = new Runner(this.#context, this.#closing)

  /**
   * Hands back the answer already made, joins the making of it, or makes it, and shows what there is of it meanwhile. Whoever
   * joins a run that was refused to its payer, or cancelled by that payer's team, starts it anew.
   */
  async obtain(ask: GenerateOptions, onGlimpse?: OnProgress): Promise<Result<Obtained>> {
    for (;;) {
      await this.#runner.atRest()
      const known = this.#known(ask)
      if (known) {
        if (ask.webhook || ask.keepMs > 0) await this.#endKnown(ask, known)
        return originating(this.#store.madeFor, ask, 'HIT', known)
      }
      const startedBy = this.#store.run?.task.requestId ?? ask.task.requestId
      const { made, only } = await this.#attend(ask, onGlimpse)
      if (concerns(only, ask.task.payer)) return originating(startedBy, ask, 'JOINED', made)
    }
  }

  /** Takes a generation on as a job of its caller's team, and tells how it stands once that is known to be possible. */
  async submit(ask: GenerateOptions, form: JobForm): Promise<Result<Seen>> {
    await this.#runner.atRest()
    const known = this.#known(ask)
    if (known && !known.ok) return known
    const { task, keepMs } = ask
    const now = Date.now()
    const earlier = this.#jobs.of(task.payer.team)
    const { run } = this.#store
    // Whoever has waited for a while before it hands its request off, or does so again, asked for it then.
    const again = earlier && !earlier.ended && earlier.task.payer.key === task.payer.key ? earlier : undefined
    const own = run?.task.requestId === task.requestId ? run : again
    this.#jobs.put(ask, form, own?.createdMs ?? now)
    this.#jobs.hook(ask, now, true)
    this.#store.hold(Math.max(keepMs, TOLD_MS), now)
    if (known) await this.#endKnown(ask, known)
    else if (!run) {
      const refusal = await this.#runner.begin(newRun(task), { isTold: true })
      if (refusal && earlier) this.#jobs.restore(earlier)
      if (refusal) return failed(refusal)
    }
    const seen = this.see(task.payer.team)
    return seen ? ok(seen) : failed(GONE)
  }

  /** The generation as a team may see it; undefined where it has not asked for it, or that was long ago. */
  see(team: string): Seen | undefined {
    const [job, run] = [this.#jobs.of(team), this.#store.run]
    if (job?.ended) {
      const {
        dialect,
        wants,
        ended: { snapshot },
      } = job
      return {
        snapshot,
        form: { dialect, wants },
        record: snapshot.status === 'succeeded' ? this.#store.record : undefined,
      }
    }
    // Its run was somebody else's and has just ended: one of its own is about to begin.
    if (!run) return job && { snapshot: begun(job.task, { status: 'queued', createdMs: job.createdMs }) }
    if (!job && run.task.payer.team !== team) return undefined
    const { startedMs = run.progress?.calls[0]?.startedMs, percent } = this.#context.live
    const createdMs = job?.createdMs ?? run.createdMs
    const stands = { status: run.queued ? 'queued' : 'running', createdMs, startedMs, percent } as const
    return { snapshot: begun(job?.task ?? run.task, stands) }
  }

  /**
   * Stops the run that a team pays for, or ends its part in that of another, and tells how it stands after that; undefined
   * where there is nothing of the team's.
   */
  async cancel(team: string): Promise<Snapshot | undefined> {
    await this.#runner.atRest()
    const [job, run] = [this.#jobs.of(team), this.#store.run]
    if (run?.task.payer.team === team) {
      const { ended } = this.#subscribers.join(0)
      await this.#runner.cancel(run)
      return (await ended).snapshot
    }
    if (job && !job.ended) await this.#closing.dismiss(job.task, CANCELLED)
    return this.see(team)?.snapshot
  }

  /** Hears from its payer's team that the turn of a run has come, or that it is refused; false where there is no such run. */
  turn(reservation: string, refusal: Failure | undefined): boolean {
    return this.#runner.turn(reservation, refusal)
  }

  /** Has an event sent to its webhook once more; false where it is no longer kept. */
  async redeliver(event: string): Promise<boolean> {
    const isKept = await this.#outbox.again(event, Date.now())
    if (isKept) await this.#closing.rearm()
    return isKept
  }

  /** Hears that whoever waited for a run could not be told how it failed, and tells it to who asks again. */
  async remember(failure: Failure, payer: Payer): Promise<void> {
    await this.#runner.atRest()
    if (!this.#store.run) await this.#closing.remember(failure, payer)
  }

  /** Forgets its answer, or only that of one run, and the near copy, which may be of an older answer. */
  async forget(id: string, run?: string): Promise<void> {
    const made = this.#store.record?.images.map(({ key }) => runOfKey(key)?.run)
    if (made && (run === undefined || made.includes(run))) {
      this.#store.forgetRecord()
      await this.#closing.rearm()
    }
    await removeRecord(this.env.CACHE, id)
  }

  /** Forgets the job of a team that has ended, and what that was told of it. */
  forgetJob(team: string): void {
    this.#jobs.forget(team)
    this.#outbox.forget(team)
  }

  override async alarm(): Promise<void> {
    this.#runner.recover({ asked: false })
    const { run } = this.#store
    if (run?.queued) await this.#runner.askAgain(run)
    await this.#closing.settle()
    await this.#closing.removePartials()
    await this.#sendEvents()
    await this.#closing.rearm()
  }

  /** Sends the events that are due. A receiver that takes long keeps nobody else waiting: their alarm could not ring. */
  async #sendEvents(): Promise<void> {
    let isInTime = true
    const rearm = (): Promise<void> | undefined => (isInTime ? undefined : this.#closing.rearm())
    const sent = Promise.all(this.#outbox.send(configOf(this.env)).map((each) => each.then(rearm)))
    this.ctx.waitUntil(sent)
    // Should the process die while it sends, this alarm finds out.
    await this.#closing.rearm()
    await withDeadline(SEND_MS, () => sent).catch(() => {})
    isInTime = false
  }

  #known(ask: GenerateOptions): Result<ImageRecord> | undefined {
    return this.#store.run ? undefined : this.#store.known(ask, Date.now())
  }

  /** Ends what an ask has entered by what is known; a team was told before of what its own request had made. */
  async #endKnown(ask: GenerateOptions, made: Result<ImageRecord>): Promise<void> {
    const now = Date.now()
    this.#jobs.hook(ask, now)
    this.#store.hold(ask.keepMs, now)
    const isSettled = ask.isReplay || this.#store.madeFor === ask.task.requestId
    await this.#closing.end({ task: ask.task, made, cost: 0, endedMs: now, isSettled })
  }

  /** Waits for the end of the run, which is begun where there is none. */
  async #attend(ask: GenerateOptions, onGlimpse: OnProgress | undefined): Promise<Ended> {
    const now = Date.now()
    const waiter = this.#subscribers.join(ask.patienceMs, onGlimpse)
    this.#jobs.hook(ask, now)
    this.#store.hold(ask.keepMs, now)
    if (!this.#store.run) void this.#runner.begin(newRun(ask.task), { isTold: true })
    const timer = setTimeout(() => void this.#turnAway(ask, waiter), ask.patienceMs)
    try {
      return await waiter.ended
    } finally {
      clearTimeout(timer)
      this.#subscribers.leave(waiter)
    }
  }

  /** Ends the waiting of whoever has waited long enough for its turn. */
  async #turnAway({ task }: GenerateOptions, waiter: Subscriber): Promise<void> {
    await this.#runner.ordered
    const { run } = this.#store
    if (!run?.queued || !this.#subscribers.has(waiter)) return
    this.#jobs.unhook(task.requestId)
    this.#subscribers.leave(waiter)
    // Whoever is told may come back at once, and is not to find the run that is being given up.
    if (this.#subscribers.isEmpty && !this.#jobs.isAwaited) await this.#runner.giveUp(run)
    waiter.end({ made: failed(run.queued) })
  }
}

/** A job whose end came, and was deleted, while it was being taken on. */
const GONE: Failure = {
  code: 'unavailable',
  message: 'The generation was deleted while it was asked for. Send the request again.',
  retryAfterMs: 1000,
}

/** Whoever asks once more for what its own request had started is answered as if it had never been cut off. */
const originating = (
  startedBy: string | undefined,
  { task }: GenerateOptions,
  origin: Obtained['origin'],
  made: Result<ImageRecord>,
): Result<Obtained> =>
  made.ok ? ok({ record: made.value, origin: startedBy === task.requestId ? 'MISS' : origin }) : made
