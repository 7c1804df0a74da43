import { configOf } from '../config'
import type { Result } from '../errors'
import type { Waiting } from '../team/entry'
import type { RunRow } from './memory'
import { orderOf, reserve } from './payment'
import { JOB_PATIENCE_MS } from './prospect'
import type { Shop } from './shop'

/*
 * Who wants what a generation makes, and what that means for how long its run waits.
 */

/** Whether anybody waits for it. */
export const isWanted = ({ audience, jobs }: Shop): boolean => !audience.isEmpty || jobs.isAwaited

/** Whether anybody does who may wait for the turn of a run. */
const mayWait = ({ audience, jobs }: Shop): boolean => audience.isPatient || jobs.isOpen

/** For how long a run waits where all upstreams are busy, in ms: a job does for longer than a client. */
export const patienceMsOf = ({ jobs, env }: Shop): number =>
  jobs.isAwaited ? JOB_PATIENCE_MS : configOf(env).queueWaitMs

/** Has the payer's team hold the money of a run, or wait for its turn, if it may. Never throws. */
export const hold = (shop: Shop, row: RunRow, maybeLater: boolean): Promise<Result<Waiting | undefined>> =>
  reserve(shop.env, row.task, orderOf(row, configOf(shop.env), patienceMsOf(shop)), maybeLater)

/** Has it wait as soon as anybody may wait: whoever began it may not be the only one. Never throws. */
export async function holdOrWait(shop: Shop, row: RunRow): Promise<Result<Waiting | undefined>> {
  const couldWait = mayWait(shop)
  const held = await hold(shop, row, couldWait)
  const isHeldUp = !held.ok && held.failure.code === 'concurrency_limited'
  if (!isHeldUp || couldWait || !mayWait(shop)) return held
  return await hold(shop, row, true)
}
