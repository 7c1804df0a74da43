import type { Handler } from 'hono'
import type { App } from '../../context'
import type { KeptAnswers } from '../../dialects/kept-answer'
import { see } from '../../generation/generations'
import { authenticate } from '../../http/authenticate'
import { removeGeneration } from '../generations/delete'
import { placeAt, seenAt } from './found'

/** Removes the generation of an answer, background or not. Throws GatewayError. */
export const deleteKept = <Options>(kept: KeptAnswers<Options>): Handler<App> =>
  async function deleteKept(c) {
    const { team } = await authenticate(c)
    const place = placeAt(c, team, kept)
    const { id, generation } = place
    await seenAt(c, team, place, kept)
    const seen = await see(c.env.GENERATIONS, generation, team)
    const { stillRunning } = kept
    await removeGeneration(c, team, { id: generation, snapshot: seen?.snapshot, stillRunning })
    return Response.json(kept.deleted(id))
  }
