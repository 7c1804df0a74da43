import * as z from 'zod'
import { type Failure, type Result, failed } from '../failures/errors'
import type { ImageRecord } from '../image/record'
import { type Payer, type ServedBy, type Settlement, settlementSchema } from '../ledger/entry'
import type { Snapshot } from '../ledger/snapshot'
import type { Progress } from './progress'
import { begun, ended, noticeSchema } from './snapshot'
import type { Order, Run } from './state'

/*
 * What comes of orders and runs, as data that survives storage and calls between objects.
 */

/** The team's answer to an order. After `unreachable`, the reservation may exist. */
export type Held =
  | { is: 'reserved' }
  | { is: 'queued'; instead: Failure }
  | { is: 'refused'; failure: Failure }
  | { is: 'unreachable'; failure: Failure }

/** Limits an outcome to one team or one of its keys. */
export const outcomeScope = z.object({ team: z.string(), key: z.string().optional() })
export type OutcomeScope = z.infer<typeof outcomeScope>

export const concerns = (only: OutcomeScope | undefined, { team, key }: Payer): boolean =>
  !only || (only.team === team && (only.key === undefined || only.key === key))

/** The end of a run for its clients. */
export interface Ended {
  made: Result<ImageRecord>
  /** The id of the HTTP request that paid. */
  paidBy?: string
  /** The status for the payer. */
  snapshot?: Snapshot
}

/** The sum of a run's calls, whatever came of them. Amounts are micro-USD. */
export interface Spending {
  /** Undefined without a known price. */
  cost: number | undefined
  /** The part of the cost that is an estimate. */
  estimated: number
  /** The images that upstreams made or may have made, at most those of the task. */
  taken: number
}

/** The outcome of a run. */
export interface RunOutcome {
  made: Result<ImageRecord>
  /** The number of calls. */
  attempts: number
  /** The upstream of the last call. */
  last: ServedBy | undefined
  /** The steps of the route. */
  route?: string | undefined
  /** The cost of its calls; undefined without a call. */
  spending?: Spending | undefined
  /** The images of a cancelled task. */
  arrived?: ImageRecord | undefined
  /** Whether deaths of processes ended it. */
  isInterrupted?: true
}

/** A settlement that its team has not confirmed. */
export const pendingSettlement = z.object({
  team: z.string(),
  settlement: settlementSchema,
  /** The notice for the team's webhook after the settlement. */
  notice: noticeSchema.optional(),
  /** The next attempt in ms since 1970; missing in older rows, which are due at once. */
  againMs: z.number().exactOptional(),
})
export type PendingSettlement = z.infer<typeof pendingSettlement>

/** The settlement of a reservation without a run. */
export const releaseOf = ({ task, reservation }: Order): PendingSettlement => ({
  team: task.payer.team,
  settlement: { id: reservation, failure: 'cancelled', cost: 0, images: [], attempts: 0, upstream: undefined },
})

/** The outcome of a run that ends before it has called an upstream. */
export const uncalled = (failure: Failure): RunOutcome => ({ made: failed(failure), attempts: 0, last: undefined })

/** The spending of a run that has called no upstream. */
const NOTHING: Spending = { cost: 0, estimated: 0, taken: 0 }

/** The settlement of a run for the team that pays; times are in ms since 1970. */
export function settlementOf(
  { task, reservation, createdMs }: Run,
  { made, attempts, last, arrived, route, spending = NOTHING }: RunOutcome,
  { startedMs, endedMs }: { startedMs: number | undefined; endedMs: number },
): PendingSettlement & { notice: { snapshot: Snapshot } } {
  const record = made.ok ? made.value : arrived
  const { cost, estimated, taken } = spending
  const failure = made.ok ? undefined : made.failure.code
  const settlement: Settlement = {
    id: reservation,
    attempts,
    cost,
    estimated,
    route,
    images: record?.images.map(({ key }) => key) ?? [],
    upstream: record ? { ...record.upstream, model: record.model } : last,
    size: record?.size,
    quality: record?.quality,
    usage: record?.usage,
    ...(failure === undefined ? {} : { failure }),
    ...(failure === 'cancelled' ? { taken } : {}),
  }
  const stood = begun(task, { status: 'running', createdMs, startedMs })
  const snapshot = ended(stood, { made, arrived, cost, estimated, endedMs })
  const { origin, payer } = task
  return { team: payer.team, settlement, notice: { id: `evt_${reservation}`, task: { origin, payer }, snapshot } }
}

/** The start of the first call of a progress, in ms since 1970. */
export const startOf = (progress: Progress | undefined): number | undefined => progress?.calls[0]?.startedMs
