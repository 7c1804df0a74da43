import type { Config } from '../config'
import { type Failure, failed, ok } from '../failures/errors'
import { accountIdOf, leave } from '../upstreams/accounts'
import type { Candidate } from '../upstreams/candidates'
import { lossBefore, type RouteHistory } from '../upstreams/route-history'
import { INTERRUPTED } from './failures'
import { attemptsOf, newRunId, type RunRow } from './generation-store'
import {
  type Call,
  type CallEnding,
  madeBy,
  isComplete,
  missingOf,
  type Progress,
  recordOf,
  upstreamOfCall,
} from './progress'
import type { Run } from './run'
import { type CallContext, endingOfLost, endingOfMade, FREE, spendingOf } from './spending'
import { stopJob } from './stop'
import { callerOf, type RunOutcome } from './task'

/** Attempts for images after a process died with calls that cannot be resumed. */
const MAX_ATTEMPTS = 2
/** Resumptions of one run with calls in hand: its request may be what ends the processes. */
const MAX_DEATHS = 20

/**
 * The next row of a run without a process; undefined for a run that ends. A death counts only with a call in hand. A run
 * that waits for its turn or for a slot goes on. Resuming jobs costs no attempt.
 */
export function nextAttempt(row: RunRow, isWanted: boolean): RunRow | undefined {
  const { progress, task, attempt, deaths = 0 } = row
  if (!isWanted || (progress && isComplete(progress, task))) return undefined
  const before = row.before ?? row.id
  // The id of the first process begins those of all later ones, and so finds all stored images.
  const again = { ...row, id: before + newRunId(), before }
  const asked = progress ? callsInHand(progress) : []
  if (asked.length === 0) return attempt > MAX_ATTEMPTS ? undefined : again
  if (deaths >= MAX_DEATHS) return undefined
  const counted = { ...again, deaths: deaths + 1 }
  if (asked.every(({ job }) => job !== undefined)) return counted
  return attempt < MAX_ATTEMPTS ? { ...counted, attempt: attempt + 1 } : undefined
}

/** The row of a run after an error of the gateway, which counts as an attempt: it may come again. */
export const afterError = (row: RunRow): RunRow => ({ ...row, attempt: row.attempt + 1 })

/** The calls that an upstream may be making, with images missing. */
const callsInHand = (progress: Progress): Call[] =>
  progress.calls.filter((call) => !call.isOver && missingOf(call, progress).length > 0)

/** The candidate of a call; undefined after a change of the settings. */
export const candidateOfCall = <Served extends Candidate>(
  { accountId, model }: Pick<Call, 'accountId' | 'model'>,
  candidates: readonly Served[],
): Served | undefined =>
  candidates.find(({ upstream, model: theirs }) => accountIdOf(upstream) === accountId && model === theirs)

/** The run of a dead process. */
type DeadRun = Pick<Run, 'env' | 'config' | 'task' | 'plan'>

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
 * The outcome of a dead run that does not go on. Its calls are ended, and their slots freed `later`. A cancelled run
 * delivers none of its images. Never throws.
 */
export async function abandoned(
  run: DeadRun,
  row: RunRow,
  failure: Failure | undefined,
  later: (work: Promise<void>) => void,
): Promise<RunOutcome> {
  const { progress: before } = row
  if (!before) return partialOutcome(row, run.config, failure)
  const progress = { ...before, calls: before.calls.map((call) => ({ ...call })) }
  const going = progress.calls.filter(({ isOver }) => !isOver)
  later(freeSlots(run, going))
  await endCalls(run, going, progress)
  const outcome = partialOutcome({ ...row, progress }, run.config, failure)
  return failure?.code === 'cancelled' ? { ...outcome, made: failed(failure) } : outcome
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

/** The outcome of a run that does not go on: some images are better than none. */
function partialOutcome(row: RunRow, config: Config, failure: Failure = INTERRUPTED): RunOutcome {
  const { task, progress } = row
  const attempts = attemptsOf(row)
  const call = progress?.calls.at(-1)
  const last = call && upstreamOfCall(call)
  const route = progress?.route ?? ''
  const spending = progress && spendingOf(progress, task, config)
  const ended = { attempts, last, route, spending }
  if (!progress?.images.some(Boolean)) return { made: failed(failure), ...ended }
  return { made: ok(recordOf(task, progress, { nowMs: Date.now(), route, cost: spending?.cost })), ...ended }
}
