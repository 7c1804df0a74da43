import type { Context } from 'hono'
import type { App } from '../../context'
import type { Failure } from '../../failures/errors'
import { see } from '../../generation/generations'
import { authenticate } from '../../http/authenticate'
import { removeGeneration } from '../generations/delete'
import { placeAt } from './kept'

/** `DELETE /v1/responses/{id}`: removes the generation of a response, background or not. Throws GatewayError. */
export async function deleteResponse(c: Context<App>): Promise<Response> {
  const { team } = await authenticate(c)
  const { id, generation } = placeAt(c, team)
  const seen = await see(c.env.GENERATIONS, generation, team)
  await removeGeneration(c, team, { id: generation, snapshot: seen?.snapshot, stillRunning: STILL_RUNNING })
  return c.json({ id, object: 'response', deleted: true })
}

const STILL_RUNNING: Failure = {
  code: 'conflict',
  message: 'This response has not ended. Cancel it with POST /v1/responses/{id}/cancel, or delete it when it has.',
  retryAfterMs: 5000,
}
