import { type Config, configOf } from '../config'
import { type Failure, isOfCaller, failed } from '../runtime/errors'
import type { ImageRecord } from '../image/record'
import { describe, log } from '../runtime/log'
import { removePartials, removeRunImages } from '../store/images'
import { putRecord } from '../store/records'
import type { Payer } from '../ledger/entry'
import type { Snapshot } from '../ledger/snapshot'
import type { Concerned, Ended } from './subscribers'
import { withDeadline } from '../runtime/deadline'
import { INTERRUPTED } from './failures'
import type { Conclusion } from './jobs'
import { attemptsOf, type RunRow } from './generation-store'
import { costOf, owedFor, settle, TEAM_UNREACHABLE } from './payment'
import { isComplete, type Progress, recordOf } from './progress'
import type { GenerationContext } from './context'
import type { Outcome, Task } from './task'

const REFUSAL_MS = 60_000
/** An image that is made does not wait for longer until its team has heard of it; the alarm tells it again. */
const SETTLE_MS = 10_000
/** For an answer that is not whole, or not for others: long enough for its caller to ask again for what it paid for. */
const BRIEFLY_MS = 60_000

/** What is to be done when a run ends: what it made is kept, what it cost is settled, and who wants to know is told. */
export class Finalizer {
  readonly #context: GenerationContext

  constructor(context: GenerationContext) {
    this.#context = context
  }

  /** Ends a run before it has cost anything; what may be held for it is let go of. */
  async refuse(row: RunRow, failure: Failure): Promise<Ended> {
    const attempts = attemptsOf(row)
    const outcome = { made: failed(failure), attempts, last: undefined }
    const only = failure.code === 'cancelled' ? { team: row.task.payer.team } : row.task.payer
    this.#tidyUp(row, outcome)
    const isSettled = attempts > 0
    const snapshot = this.#conclude(row, outcome, only, {
      isOwed: isSettled || failure === TEAM_UNREACHABLE,
      isSettled,
    })
    await this.rearm()
    return { made: outcome.made, only, snapshot }
  }

  /** Ends a run that upstreams were asked for. */
  async finish(row: RunRow, outcome: Outcome): Promise<Ended> {
    const { env, ctx, store } = this.#context
    const config = configOf(env)
    const { task } = row
    const ended = withArrived(row, outcome, store.run?.progress, config)
    const { made } = ended
    const now = Date.now()
    if (made.ok) {
      const shared = task.shared && isComplete(made.value, task)
      store.keep(made.value, task.requestId, now + (shared ? config.cacheTtlSeconds * 1000 : BRIEFLY_MS))
      if (shared) ctx.waitUntil(putRecord(env.CACHE, made.value, config.cacheTtlSeconds))
    } else if (REMEMBERED.includes(made.failure.code) || made.failure === INTERRUPTED) {
      store.refuse(made.failure, now, now + REFUSAL_MS)
    }
    this.#tidyUp(row, ended)
    const only = !made.ok && made.failure.code === 'cancelled' ? { team: task.payer.team } : undefined
    const snapshot = this.#conclude(row, ended, only, { isOwed: true, isSettled: true })
    await withDeadline(SETTLE_MS, () => this.settle()).catch(() => {})
    await this.rearm()
    return { made, only, snapshot }
  }

  /** Has a failure told for a while to whoever asks again, since those who waited for it could not be told. */
  async remember(failure: Failure, payer: Payer): Promise<void> {
    const now = Date.now()
    const retryAfterMs = Math.max(REFUSAL_MS, failure.retryAfterMs ?? 0)
    const told = { ...failure, retryAfterMs, retry: false } as const
    const isOfOne = isOfCaller(failure.code) || failure.code === 'cancelled'
    this.#context.store.refuse(told, now, now + REFUSAL_MS, isOfOne ? payer : undefined)
    await this.rearm()
  }

  /** Ends what a team has handed off, while the run goes on for others, and perhaps for who waits for it there. */
  async dismiss(task: Task, failure: Failure): Promise<void> {
    const only = { team: task.payer.team }
    await this.end({ task, made: failed(failure), cost: 0, endedMs: Date.now(), only, goesOn: true })
  }

  /** Tells all who want to know how a generation ended. */
  async end(conclusion: Conclusion): Promise<void> {
    this.#tell(conclusion)
    await this.rearm()
  }

  #tell(conclusion: Conclusion): void {
    const { env, jobs, outbox } = this.#context
    const notices = jobs.end(conclusion)
    for (const notice of notices) outbox.add(notice, configOf(env), conclusion.endedMs)
  }

  /**
   * Writes down how a run ended, for its payer and all who want to know. A team that may never have heard of it does not
   * have its webhook told: that is for its job to do.
   */
  #conclude(
    row: RunRow,
    outcome: Outcome,
    only: Concerned | undefined,
    { isOwed, isSettled }: { isOwed: boolean; isSettled: boolean },
  ): Snapshot {
    const { store, live } = this.#context
    const endedMs = Date.now()
    const owed = owedFor(row, outcome, live.startedMs ?? store.run?.progress?.calls[0]?.startedMs, endedMs)
    const { snapshot } = owed.notice
    const { cost, startedMs } = snapshot
    if (isOwed) store.owe(isSettled ? owed : { ...owed, notice: undefined }, endedMs)
    store.endRun()
    this.#tell({ ...outcome, task: row.task, cost, startedMs, endedMs, only, isSettled })
    return snapshot
  }

  /** Tells the payers' teams what is owed; what they do not hear now, the alarm tells them again. */
  async settle(): Promise<void> {
    const { store, outbox, env } = this.#context
    for (const owed of store.owed) {
      const heard = await settle(env, owed)
      if (!heard) {
        if (store.owes(owed.settlement.id)) store.owe(owed, Date.now())
        continue
      }
      // In one step, so that a webhook hears of each settlement once.
      store.paid(owed)
      if (heard.webhook && owed.notice) outbox.add(owed.notice, configOf(env), Date.now())
    }
  }

  /** Removes the previews of runs that have ended, once nobody can be reading them any more. Never throws. */
  async removePartials(): Promise<void> {
    const { store, env } = this.#context
    const { partials, run } = store
    if (!partials || run || partials.untilMs > Date.now()) return
    try {
      await removePartials(env.IMAGES, partials.generation)
      store.partials = undefined
    } catch (error) {
      log('partials-not-removed', { generation: partials.generation, ...describe(error) })
      store.partials = { ...partials, untilMs: Date.now() + BRIEFLY_MS }
    }
  }

  /** Sets the object's one alarm to what is due next, or empties the object when nothing is left in it. */
  async rearm(): Promise<void> {
    const { ctx, store, jobs, outbox } = this.#context
    const now = Date.now()
    const dues = [...store.dues(now, jobs.next !== undefined), ...jobs.dues(now), ...outbox.dues(now)]
    await (dues.length === 0 ? ctx.storage.deleteAll() : ctx.storage.setAlarm(Math.min(...dues)))
  }

  /** Has removed what a run leaves behind: its previews in a while, and what was stored for nothing. */
  #tidyUp(row: RunRow, { made, attempts, arrived }: Outcome): void {
    const { ctx, store } = this.#context
    const { task, before } = row
    if (attempts === 0 && before === undefined) return
    if (task.request.partials > 0) store.partials = { generation: task.id, untilMs: Date.now() + BRIEFLY_MS }
    // What a process had stored when it died may be stored twice.
    const isLeftOver = attempts > (made.ok ? 1 : 0) || before !== undefined
    if (isLeftOver) ctx.waitUntil(this.#sweep(row, made.ok ? made.value : arrived))
  }

  /** Removes what was stored by attempts that came to nothing: no ledger knows of it. */
  async #sweep({ task, id, before }: RunRow, made: ImageRecord | undefined): Promise<void> {
    const kept = made?.images.map(({ key }) => key) ?? []
    try {
      for (const run of [id, before].filter((each) => each !== undefined))
        await removeRunImages(this.#context.env.IMAGES, { generation: task.id, run }, kept)
    } catch (error) {
      log('images-not-removed', { generation: task.id, ...describe(error) })
    }
  }
}

/** A failure is not remembered, except what the upstream refuses for what it is: asking again would be refused again. */
const REMEMBERED = ['content_rejected', 'invalid_request', 'unsupported_parameter']

/** An outcome with what had arrived of one that was cancelled, since an upstream asks for that all the same. */
function withArrived({ task }: RunRow, outcome: Outcome, progress: Progress | undefined, config: Config): Outcome {
  const { made, route = '' } = outcome
  if (made.ok || made.failure.code !== 'cancelled' || !progress?.images.some(Boolean)) return outcome
  return {
    ...outcome,
    arrived: recordOf(task, progress, { nowMs: Date.now(), route, cost: costOf(progress, task, config) }),
  }
}
