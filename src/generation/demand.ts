import { configOf } from '../config'
import type { Result } from '../runtime/errors'
import type { QueuedOrder } from '../ledger/entry'
import type { RunRow } from './generation-store'
import { orderOf, reserve } from './payment'
import type { GenerationContext } from './context'

/*
 * Who wants what a generation makes, and what that means for how long its run waits.
 */

/** Whether anybody waits for it. */
export const isWanted = ({ subscribers, jobs }: GenerationContext): boolean => !subscribers.isEmpty || jobs.isAwaited

/** Whether anybody does who may wait for the turn of a run. */
const mayWait = ({ subscribers, jobs }: GenerationContext): boolean => subscribers.isPatient || jobs.isOpen

/** The patience of a job, in ms. */
const JOB_PATIENCE_MS = 3_600_000

/** For how long a run waits where all upstreams are busy, in ms: a job does for longer than a client. */
export const patienceMsOf = ({ jobs, env }: GenerationContext): number =>
  jobs.isAwaited ? JOB_PATIENCE_MS : configOf(env).queueWaitMs

/** Has the payer's team hold the money of a run, or wait for its turn, if it may. Never throws. */
export const hold = (
  context: GenerationContext,
  row: RunRow,
  maybeLater: boolean,
): Promise<Result<QueuedOrder | undefined>> =>
  reserve(context.env, row.task, orderOf(row, context.plans.of(row), patienceMsOf(context)), maybeLater)

/** Has it wait as soon as anybody may wait: whoever began it may not be the only one. Never throws. */
export async function holdOrWait(context: GenerationContext, row: RunRow): Promise<Result<QueuedOrder | undefined>> {
  const couldWait = mayWait(context)
  const held = await hold(context, row, couldWait)
  const isHeldUp = !held.ok && held.failure.code === 'concurrency_limited'
  if (!isHeldUp || couldWait || !mayWait(context)) return held
  return await hold(context, row, true)
}
