import { withDeadline } from '../../runtime/deadline'
import { describe, log } from '../../runtime/log'
import { askTeam } from '../../team/ask-team'
import type { PendingSettlement } from '../outcome'

/** The wait for the team's confirmation of a run's end, in ms. Its clients wait as long. */
const SETTLE_MS = 10_000
/** Settles with a team, and reports whether it has a webhook; undefined for an unreachable team. */
export async function settle(
  env: Env,
  { team, settlement }: PendingSettlement,
): Promise<{ webhook: boolean } | undefined> {
  try {
    return await askTeam(env, team, async (stub) => await stub.settle(settlement))
  } catch (error) {
    log('settlement-delayed', { run: settlement.id, team, ...describe(error) })
    return undefined
  }
}

/** Settles with a team, and gives up the wait for its confirmation after a while. Never throws. */
export const settleInTime = (env: Env, pending: PendingSettlement): Promise<{ webhook: boolean } | undefined> =>
  withDeadline(SETTLE_MS, () => settle(env, pending)).catch(() => undefined)
