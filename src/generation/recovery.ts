import { type Failure, failed, ok } from '../failures/errors'
import { accountIdOf, leave } from '../upstreams/accounts'
import type { Candidate } from '../upstreams/candidates'
import { lossBefore, type RouteHistory } from '../upstreams/route-history'
import { INTERRUPTED } from './failures'
import type { RunOutcome } from './outcome'
import { type Call, type CallEnding, madeBy, missingOf, type Progress, recordOf, upstreamOfCall } from './progress'
import type { RunContext } from './run-context'
import { type CallContext, endingOfLost, endingOfMade, FREE, spendingOf } from './spending'
import { stopJob } from './stop'
import { callerOf } from './task'

/** The candidate of a call; undefined after a change of the settings. */
export const candidateOfCall = <Served extends Candidate>(
  { accountId, model }: Pick<Call, 'accountId' | 'model'>,
  candidates: readonly Served[],
): Served | undefined =>
  candidates.find(({ upstream, model: theirs }) => accountIdOf(upstream) === accountId && model === theirs)

/** The run of a dead process. */
type DeadRun = Pick<RunContext, 'env' | 'config' | 'task' | 'plan'>

/** Frees the slots of calls of a dead process. Never throws. */
export async function freeSlots(run: DeadRun, calls: readonly Call[]): Promise<void> {
  for (const call of calls) {
    const has = candidateOfCall(call, run.plan.candidates)
    const owner = { ...callerOf(run.task), id: call.seat, model: call.model }
    if (has) await leave(run.env.ACCOUNTS, has.upstream, owner, { is: 'cancelled' })
  }
}

/**
 * Ends calls of a dead process, and stops their jobs. A call may be billed, unless its upstream confirms the stop. Never
 * throws.
 */
export async function endCalls(run: DeadRun, calls: readonly Call[], progress: Progress): Promise<void> {
  for (const call of calls) call.ending = endingOfInterrupted({ ...run, call, progress })
  const stoppable = calls.flatMap((call) => {
    const has = call.job === undefined ? undefined : candidateOfCall(call, run.plan.candidates)
    return has ? [{ call, has }] : []
  })
  if (stoppable.length === 0) return
  await Promise.all(
    stoppable.map(async ({ call, has }) => {
      if ((await stopJob(call, has)) && madeBy(call, progress) === 0) call.ending = FREE
    }),
  )
}

/** The ending of a call of a dead process: lost, unless all its images were stored. */
const endingOfInterrupted = (context: CallContext): CallEnding =>
  missingOf(context.call, context.progress).length === 0
    ? endingOfMade(context)
    : { ...endingOfLost(context), isInterrupted: true }

/**
 * The outcome of a dead run that does not go on. Its calls are ended, and their slots freed `later`. Some images are
 * better than none; a cancelled run delivers none of them. Never throws.
 */
export async function abandoned(
  dead: DeadRun,
  before: Progress | undefined,
  failure: Failure | undefined,
  later: (work: Promise<void>) => void,
): Promise<RunOutcome> {
  const progress: Progress = {
    ...before,
    images: before?.images ?? [],
    calls: (before?.calls ?? []).map((call) => ({ ...call })),
  }
  const going = progress.calls.filter(({ isOver }) => !isOver)
  later(freeSlots(dead, going))
  await endCalls(dead, going, progress)
  const { task, config } = dead
  const last = progress.calls.at(-1)
  const { route = '' } = progress
  const spending = before && spendingOf(progress, task, config)
  const record = progress.images.some(Boolean)
    ? recordOf(task, progress, { nowMs: Date.now(), route, cost: spending?.cost })
    : undefined
  const isCancelled = failure?.code === 'cancelled'
  return {
    made: record && !isCancelled ? ok(record) : failed(failure ?? INTERRUPTED),
    attempts: progress.calls.length,
    last: last && upstreamOfCall(last),
    route,
    spending,
    ...(isCancelled ? { arrived: record } : {}),
    ...(record || failure ? {} : { isInterrupted: true }),
  }
}

/** The losses of earlier processes. A death counts as one loss, however many calls it ended. */
export function lossesIn({ calls }: Progress, candidates: readonly Candidate[]): RouteHistory {
  const lost = calls.filter(({ ending }) => ending?.is === 'lost')
  const [interrupted] = lost.filter(({ ending }) => ending?.isInterrupted)
  return [
    ...(interrupted ? [lossBefore()] : []),
    ...lost
      .filter(({ ending }) => !ending?.isInterrupted)
      .map((call) => lossBefore(candidateOfCall(call, candidates), call.ending?.isUnusable)),
  ]
}
