import * as z from 'zod'
import { type Failure, type Result, failed } from '../failures/errors'
import type { ImageRecord } from '../image/record'
import { type JobFacts, type Payer, type ServedBy, settlementSchema } from '../ledger/entry'
import type { Snapshot } from '../ledger/snapshot'
import type { Progress } from './progress'
import { noticeSchema } from './snapshot'

/*
 * Outcomes of orders and runs, as data that survives storage and calls between objects.
 */

/**
 * The team's answer to an order, with the facts of a job. `leavesRoom`: its limits do not wait for the settlement. After
 * `unreachable`, the reservation may exist.
 */
export type Held =
  | { is: 'reserved'; leavesRoom?: true; facts?: JobFacts | undefined }
  | { is: 'queued'; instead: Failure; facts?: JobFacts | undefined }
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

/** The outcome of a run that ends before it has called an upstream. */
export const uncalled = (failure: Failure): RunOutcome => ({ made: failed(failure), attempts: 0, last: undefined })

/** The start of the first call of a progress, in ms since 1970. */
export const startOf = (progress: Progress | undefined): number | undefined => progress?.calls[0]?.startedMs
