import type { Context } from 'hono'
import type { App } from '../../context'
import { statusJson } from '../../delivery/job-status'
import { cancel } from '../../generation/generations'
import { OwnTeam } from '../../http/own-team'
import { type Failure, GatewayError } from '../../failures/errors'
import { idAt, generationStatusOf } from './status'

/** `POST /v1/generations/{id}/cancel`: stops a generation and reports its status and cost. Throws GatewayError. */
export async function cancelGeneration(c: Context<App>): Promise<Response> {
  const [team, id] = [OwnTeam.of(c), idAt(c)]
  // A queued run that is no job leaves no ledger entry, so the status is read before the cancellation.
  const { status } = await generationStatusOf(c, team, id)
  const snapshot = (await cancel(c.env.GENERATIONS, id, team.caller.team)) ?? status.snapshot
  if (snapshot.status !== 'cancelled') throw new GatewayError(alreadyEnded(snapshot.status))
  return c.json(statusJson({ ...status, snapshot }, c))
}

const alreadyEnded = (status: string): Failure => ({
  code: 'conflict',
  message: `This generation has ended already, as ${status}; there is nothing left to cancel.`,
  retry: false,
})
