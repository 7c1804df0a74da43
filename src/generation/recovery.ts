import type { Config } from '../config'
import { failed, ok } from '../runtime/errors'
import { accountIdOf, leave } from '../upstreams/accounts'
import type { Candidate } from '../upstreams/candidates'
import { INTERRUPTED } from './failures'
import { attemptsOf, newRunId, type RunRow } from './generation-store'
import { costOf } from './payment'
import { type Call, madeBy, missingFrom, type Progress, recordOf, servedBy } from './progress'
import type { RunPlan } from './run-plan'
import { stopJob } from './stop'
import type { Outcome } from './task'

/** How often upstreams are asked anew for what was in hand when a process died. */
const MAX_ATTEMPTS = 2
/** How often a run goes on whose process died, whatever was in hand: the request itself may be what ends processes. */
const MAX_DEATHS = 20

/**
 * How a run goes on that its process did not survive; undefined where it does not. It is no attempt more where upstreams
 * have jobs of all that was in hand, or nothing was any more.
 */
export function nextAttempt(row: RunRow, isWanted: boolean): RunRow | undefined {
  const { progress, task, attempt, deaths = 0 } = row
  const missing = progress ? missingFrom(progress, task) : undefined
  if (!isWanted || missing?.length === 0 || deaths >= MAX_DEATHS) return undefined
  const before = row.before ?? row.id
  // What any of its processes has stored is found by how the first one's id begins.
  const again = { ...row, id: before + newRunId(), before, deaths: deaths + 1 }
  if (progress && !isAskedAnew(progress)) return again
  return attempt < MAX_ATTEMPTS ? { ...again, attempt: attempt + 1 } : undefined
}

/** Whether something was in hand that its upstream cannot be asked about. */
const isAskedAnew = (progress: Progress): boolean =>
  progress.calls.some((call) => !call.isOver && !call.job && madeBy(call, progress) < call.wanted.length)

/** Who of those who may serve has a call; undefined where the settings have changed since. */
export const whoHas = <Served extends Candidate>(
  { accountId, model }: Pick<Call, 'accountId' | 'model'>,
  able: readonly Served[],
): Served | undefined =>
  able.find(({ upstream, model: theirs }) => accountIdOf(upstream) === accountId && model === theirs)

/** Ends calls whose process died, and which nobody goes on with: gives back their seats, and has their jobs stopped. Never throws. */
export async function letGo(env: Env, candidates: readonly Candidate[], calls: readonly Call[]): Promise<void> {
  for (const call of calls) {
    const has = whoHas(call, candidates)
    if (!has) continue
    await leave(env.ACCOUNTS, has.upstream, { id: call.seat, model: call.model }, { is: 'cancelled' })
    await stopJob(call, has)
  }
}

/** Does so with all that a run had in hand when its process died. Never throws. */
export const letAllGo = (env: Env, { progress }: RunRow, { candidates }: RunPlan): Promise<void> =>
  letGo(env, candidates, progress?.calls.filter(({ isOver }) => !isOver) ?? [])

/** What has come of a run that does not go on, for a reason: some images are better than none. */
export function whatItLeft(row: RunRow, config: Config, failure = INTERRUPTED): Outcome {
  const { task, progress } = row
  const attempts = attemptsOf(row)
  const call = progress?.calls.at(-1)
  const last = call && servedBy(call)
  const route = progress?.route ?? ''
  if (!progress?.images.some(Boolean)) return { made: failed(failure), attempts, last, route }
  const facts = { nowMs: Date.now(), route, cost: costOf(progress, task, config) }
  return { made: ok(recordOf(task, progress, facts)), attempts, last, route }
}
