import type { Config } from '../config'
import { failed, ok } from '../failures/errors'
import { accountIdOf, leave } from '../upstreams/accounts'
import type { Candidate } from '../upstreams/candidates'
import { INTERRUPTED } from './failures'
import { attemptsOf, newRunId, type RunRow } from './generation-store'
import { runCost } from './payment'
import { type Call, isComplete, missingOf, type Progress, recordOf, upstreamOfCall } from './progress'
import type { RunPlan } from './run-plan'
import { stopJob } from './stop'
import type { RunOutcome } from './task'

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

/** Ends calls of a dead process: frees their slots and stops their jobs. Never throws. */
export async function endCalls(env: Env, candidates: readonly Candidate[], calls: readonly Call[]): Promise<void> {
  for (const call of calls) {
    const has = candidateOfCall(call, candidates)
    if (!has) continue
    await leave(env.ACCOUNTS, has.upstream, { id: call.seat, model: call.model }, { is: 'cancelled' })
    await stopJob(call, has)
  }
}

/** Ends all calls of a run after the death of its process. Never throws. */
export const endAllCalls = (env: Env, { progress }: RunRow, { candidates }: RunPlan): Promise<void> =>
  endCalls(env, candidates, progress?.calls.filter(({ isOver }) => !isOver) ?? [])

/** The outcome of a run that does not go on: some images are better than none. */
export function partialOutcome(row: RunRow, config: Config, failure = INTERRUPTED): RunOutcome {
  const { task, progress } = row
  const attempts = attemptsOf(row)
  const call = progress?.calls.at(-1)
  const last = call && upstreamOfCall(call)
  const route = progress?.route ?? ''
  if (!progress?.images.some(Boolean)) return { made: failed(failure), attempts, last, route }
  const facts = { nowMs: Date.now(), route, cost: runCost(progress, task, config) }
  return { made: ok(recordOf(task, progress, facts)), attempts, last, route }
}
