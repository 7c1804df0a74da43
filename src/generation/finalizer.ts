import { configOf } from '../config'
import { type Failure, isOfCaller, failed } from '../failures/errors'
import type { ImageRecord } from '../image/record'
import { describe, log } from '../runtime/log'
import { removeRunImages } from '../store/images'
import { ownInputKeys, removeInputs } from '../store/inputs'
import { putRecord } from '../store/records'
import type { Payer } from '../ledger/entry'
import type { Snapshot } from '../ledger/snapshot'
import type { OutcomeScope, Ended } from './subscribers'
import { withDeadline } from '../runtime/deadline'
import { INTERRUPTED } from './failures'
import type { Conclusion } from './jobs'
import { attemptsOf, type RunRow } from './generation-store'
import { pendingSettlementOf, settle, TEAM_UNREACHABLE } from './payment'
import { isComplete, type Progress, recordOf } from './progress'
import type { GenerationContext } from './context'
import type { RunOutcome, Task } from './task'

const REFUSAL_MS = 60_000
/** The wait for the settlement with the team, in ms; the alarm settles later. */
const SETTLE_MS = 10_000
/** The life of an incomplete or private answer, in ms. Its client paid for the images and can ask for them again. */
const BRIEFLY_MS = 60_000

/** Ends runs: keeps the answer, settles the cost, and notifies the receivers. */
export class Finalizer {
  readonly #context: GenerationContext

  constructor(context: GenerationContext) {
    this.#context = context
  }

  /** Ends a run before it has cost anything, and releases its reservation. */
  async refuse(row: RunRow, failure: Failure): Promise<Ended> {
    const attempts = attemptsOf(row)
    const outcome = { made: failed(failure), attempts, last: undefined }
    const only = failure.code === 'cancelled' ? { team: row.task.payer.team } : row.task.payer
    this.#cleanUp(row, outcome)
    const isSettled = attempts > 0
    // The reservation of an earlier process may exist, as may one with a lost reply.
    const needsSettlement = isSettled || row.before !== undefined || failure === TEAM_UNREACHABLE
    const snapshot = this.#conclude(row, outcome, only, { needsSettlement, isSettled })
    await this.#context.schedule.rearm()
    return { made: outcome.made, paidBy: row.task.requestId, only, snapshot }
  }

  /** Ends a run that has called upstreams. */
  async finish(row: RunRow, outcome: RunOutcome): Promise<Ended> {
    const { env, ctx, store } = this.#context
    const config = configOf(env)
    const { task } = row
    const ended = withArrived(row, outcome, store.run?.progress)
    const { made } = ended
    const now = Date.now()
    if (made.ok) {
      const shared = task.shared && isComplete(made.value, task)
      store.keep(made.value, task.requestId, now + (shared ? config.cacheTtlSeconds * 1000 : BRIEFLY_MS))
      if (shared) ctx.waitUntil(putRecord(env.CACHE, made.value, config.cacheTtlSeconds))
    } else if (REMEMBERED.includes(made.failure.code) || made.failure === INTERRUPTED) {
      store.refuse(made.failure, now, now + REFUSAL_MS)
    }
    this.#cleanUp(row, ended)
    const only = !made.ok && made.failure.code === 'cancelled' ? { team: task.payer.team } : undefined
    const snapshot = this.#conclude(row, ended, only, { needsSettlement: true, isSettled: true })
    await withDeadline(SETTLE_MS, () => this.settle()).catch(() => {})
    await this.#context.schedule.rearm()
    return { made, paidBy: task.requestId, only, snapshot }
  }

  /** Stores a failure for the retry, since the clients of the run could not receive it. */
  async remember(failure: Failure, payer: Payer): Promise<void> {
    const now = Date.now()
    const retryAfterMs = Math.max(REFUSAL_MS, failure.retryAfterMs ?? 0)
    const stored = { ...failure, retryAfterMs, retry: false } as const
    const isOfOne = isOfCaller(failure.code) || failure.code === 'cancelled'
    this.#context.store.refuse(stored, now, now + REFUSAL_MS, isOfOne ? payer : undefined)
    await this.#context.schedule.rearm()
  }

  /** Ends the job of a team while the run goes on for other teams and for waiting clients. */
  async dismiss(task: Task, failure: Failure): Promise<void> {
    const only = { team: task.payer.team }
    await this.end({ task, made: failed(failure), cost: 0, endedMs: Date.now(), only, goesOn: true })
  }

  /** Notifies all receivers of an outcome. */
  async end(conclusion: Conclusion): Promise<void> {
    this.#notify(conclusion)
    await this.#context.schedule.rearm()
  }

  #notify(conclusion: Conclusion): void {
    const { env, jobs, outbox } = this.#context
    const notices = jobs.end(conclusion)
    for (const notice of notices) outbox.add(notice, configOf(env), conclusion.endedMs)
  }

  /**
   * Records the outcome: one settlement for the payer, one notice per subscriber. If the team never reserved, the job
   * notifies its webhook.
   */
  #conclude(
    row: RunRow,
    outcome: RunOutcome,
    only: OutcomeScope | undefined,
    { needsSettlement, isSettled }: { needsSettlement: boolean; isSettled: boolean },
  ): Snapshot {
    const { store, live } = this.#context
    const endedMs = Date.now()
    const pending = pendingSettlementOf(
      row,
      outcome,
      live.startedMs ?? store.run?.progress?.calls[0]?.startedMs,
      endedMs,
    )
    const { snapshot } = pending.notice
    const { cost, estimated, startedMs } = snapshot
    if (needsSettlement) store.addPendingSettlement(isSettled ? pending : { ...pending, notice: undefined }, endedMs)
    store.endRun()
    this.#notify({ ...outcome, task: row.task, cost, estimated, startedMs, endedMs, only, isSettled })
    return snapshot
  }

  /** Settles with the payers' teams; the alarm repeats what fails. */
  async settle(): Promise<void> {
    const { store, outbox, env } = this.#context
    for (const pending of store.pendingSettlements) {
      const confirmed = await settle(env, pending)
      if (!confirmed) {
        if (store.hasPendingSettlement(pending.settlement.id)) store.addPendingSettlement(pending, Date.now())
        continue
      }
      // Both happen in one step, so that a webhook receives each settlement once.
      store.removePendingSettlement(pending)
      if (confirmed.webhook && pending.notice) outbox.add(pending.notice, configOf(env), Date.now())
    }
  }

  /** Removes the remains of a run: its input pictures, its previews after a while, and images without an owner. */
  #cleanUp(row: RunRow, { made, attempts, arrived }: RunOutcome): void {
    const { ctx, env, store } = this.#context
    const { task, before } = row
    ctx.waitUntil(removeInputs(env.IMAGES, ownInputKeys(task.request)))
    if (attempts === 0 && before === undefined) return
    if (task.request.partials > 0) store.partials = { generation: task.id, untilMs: Date.now() + BRIEFLY_MS }
    // A process that died may have stored images twice.
    const isLeftOver = attempts > (made.ok ? 1 : 0) || before !== undefined
    if (isLeftOver) ctx.waitUntil(this.#sweep(row, made.ok ? made.value : arrived))
  }

  /** Removes images of failed attempts, which no ledger knows. */
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

/** Failures that are stored for retries: the upstream would refuse the same request again. */
const REMEMBERED = ['content_rejected', 'invalid_request', 'unsupported_parameter']

/** Adds the images that arrived before a cancellation, since the upstream charges for them. */
function withArrived({ task }: RunRow, outcome: RunOutcome, progress: Progress | undefined): RunOutcome {
  const { made, route = '', spending } = outcome
  if (made.ok || made.failure.code !== 'cancelled' || !progress?.images.some(Boolean)) return outcome
  return {
    ...outcome,
    arrived: recordOf(task, progress, { nowMs: Date.now(), route, cost: spending?.cost }),
  }
}
