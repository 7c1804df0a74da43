import type { Context } from 'hono'
import type { App } from '../../context'
import { cancel } from '../../generation/generations'
import { authenticate } from '../../http/authenticate'
import { isEnded } from '../../ledger/snapshot'
import { foundResponse, sendFound } from './kept'

/** `POST /v1/responses/{id}/cancel`: stops a background response, unless it has ended. Throws GatewayError. */
export async function cancelResponse(c: Context<App>): Promise<Response> {
  const { team } = await authenticate(c)
  const found = await foundResponse(c, team)
  if (isEnded(found.snapshot)) return await sendFound(c, found)
  await cancel(c.env.GENERATIONS, found.place.generation, team)
  return await sendFound(c, await foundResponse(c, team))
}
