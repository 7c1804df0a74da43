import type { Config } from '../config'
import { withDeadline } from '../deadline'
import { failed, ok } from '../errors'
import type { Able } from '../upstreams/able'
import { leave } from '../upstreams/accounts'
import { INTERRUPTED } from './failures'
import { attemptsOf, newRunId, type RunRow } from './memory'
import { costOf } from './payment'
import { type Call, madeBy, missingFrom, type Progress, recordOf, servedBy } from './progress'
import { whoMayServe } from './prospect'
import type { Outcome } from './task'

/** How often a run is tried whose process dies. */
const MAX_ATTEMPTS = 2
/** For how long a run waits until an account has heard that a seat is free, which it is in time anyway, in ms. */
const HEARD_MS = 2000

/**
 * How a run goes on that its process did not survive; undefined where it does not. It is no attempt more where upstreams
 * have jobs of all that was in hand.
 */
export function nextAttempt(row: RunRow, isWanted: boolean): RunRow | undefined {
  const { progress, task, attempt } = row
  const missing = progress ? missingFrom(progress, task) : undefined
  if (!isWanted || missing?.length === 0) return undefined
  const before = row.before ?? row.id
  // What any of its processes has stored is found by how the first one's id begins.
  const again = { ...row, id: before + newRunId(), before }
  if (progress && isInGoodHands(progress)) return again
  return attempt < MAX_ATTEMPTS ? { ...again, attempt: attempt + 1 } : undefined
}

/** Whether something was in hand, and nothing of that is to be asked for anew. */
function isInGoodHands(progress: Progress): boolean {
  const inHand = progress.calls.filter((call) => !call.isOver && madeBy(call, progress) < call.wanted.length)
  return inHand.length > 0 && inHand.every(({ job }) => job !== undefined)
}

/** Who of those who may serve has a call; undefined where the settings have changed since. */
export const whoHas = ({ upstream, model }: Call, able: readonly Able[]): Able | undefined =>
  able.find(
    ({ upstream: { name, account }, model: theirs }) =>
      name === upstream.name && account === upstream.account && model === theirs,
  )

/** Gives back the seats of calls whose process died, and which nobody goes on with. Never throws. */
export async function giveBack(env: Env, able: readonly Able[], calls: readonly Call[]): Promise<void> {
  for (const call of calls) {
    const { upstream } = whoHas(call, able) ?? {}
    if (!upstream) continue
    const given = leave(env.ACCOUNTS, upstream, { id: call.seat, model: call.model }, { is: 'cancelled' })
    await withDeadline(HEARD_MS, () => given).catch(() => {})
  }
}

/** Gives back all seats that a run had when its process died. Never throws. */
export const giveSeatsBack = (env: Env, { task, createdMs, progress }: RunRow, config: Config): Promise<void> =>
  giveBack(env, whoMayServe(task, config, createdMs), progress?.calls.filter(({ isOver }) => !isOver) ?? [])

/** What has come of a run that does not go on: some images are better than none. */
export function whatItLeft(row: RunRow, config: Config): Outcome {
  const { task, progress } = row
  const attempts = attemptsOf(row)
  const call = progress?.calls.at(-1)
  const last = call && servedBy(call)
  if (!progress?.images.some(Boolean)) return { made: failed(INTERRUPTED), attempts, last }
  const facts = { nowMs: Date.now(), route: '', cost: costOf(progress, task, config) }
  return { made: ok(recordOf(task, progress, facts)), attempts, last }
}
