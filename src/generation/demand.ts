import { configOf } from '../config'
import type { Result } from '../failures/errors'
import type { Payer, QueuedOrder } from '../ledger/entry'
import type { RunRow } from './generation-store'
import { runOrder, reserve } from './payment'
import type { GenerationContext } from './context'

/*
 * The demand for a generation, and the patience that follows from it.
 */

/** Whether a client, a job or a webhook of a payer waits for the run. */
export const isWantedBy = ({ subscribers, jobs }: GenerationContext, payer: Payer): boolean =>
  subscribers.isOf(payer) || jobs.isAwaitedBy(payer)

/** Whether the run of a payer starts at its turn. */
export const mayStart = (context: GenerationContext, payer: Payer): boolean =>
  configOf(context.env).finishAbandoned === 'all' || isWantedBy(context, payer)

/** Whether a client or job of a payer may wait in the queue of its team. */
const mayWait = ({ subscribers, jobs }: GenerationContext, payer: Payer): boolean =>
  subscribers.isPatient(payer) || jobs.isOpenFor(payer)

/** Whether a run without its team's answer waits for the next alarm: an accepted job outlives a deploy. */
export const mayAskAgain = ({ jobs }: GenerationContext, { before }: RunRow): boolean =>
  before !== undefined && jobs.isOpen

/** The patience of a job, in ms. */
const JOB_PATIENCE_MS = 3_600_000

/** The wait of a run for busy upstreams, in ms: a job has more patience than a client. */
export const patienceMsOf = ({ jobs, env }: GenerationContext): number =>
  jobs.isAwaited ? JOB_PATIENCE_MS : configOf(env).queueWaitMs

/** Reserves the money of a run, or its place in the queue of the team. Never throws. */
export const hold = (
  context: GenerationContext,
  row: RunRow,
  maybeLater: boolean,
): Promise<Result<QueuedOrder | undefined>> =>
  reserve(context.env, row.task, runOrder(row, context.plans.of(row), patienceMsOf(context)), maybeLater)

/** Reserves again with a wait if a patient client or job has come meanwhile. Never throws. */
export async function holdOrWait(context: GenerationContext, row: RunRow): Promise<Result<QueuedOrder | undefined>> {
  const { payer } = row.task
  const couldWait = mayWait(context, payer)
  const held = await hold(context, row, couldWait)
  const isHeldUp = !held.ok && held.failure.code === 'concurrency_limited'
  if (!isHeldUp || couldWait || !mayWait(context, payer)) return held
  return await hold(context, row, true)
}
