import { describe, log } from '../runtime/log'
import { askTeam } from '../team/ask-team'
import type { FreshEnd } from '../team/fresh-requests'
import type { DeliveryContext } from './delivery-context'

/** Reports the end of a request to its team, if the request shares no picture. */
export function endFresh({ c, meta: { isAlone, generate } }: DeliveryContext, end: FreshEnd): void {
  if (!isAlone) return
  const { requestId, payer, id } = generate.task
  const told = askTeam(c.env, payer.team, async (team) => await team.endFresh(requestId, end))
  c.executionCtx.waitUntil(told.catch((error: unknown) => log('end-not-told', { generation: id, ...describe(error) })))
}
