import type { Handler } from 'hono'
import type { App } from '../../context'
import type { KeptAnswers } from '../../dialects/kept-answer'
import { see } from '../../generation/generations'
import { OwnTeam } from '../../http/own-team'
import { removeGeneration } from '../generations/delete'
import { placeAt, seenAt } from './found'

/** Removes the generation of an answer, background or not. Throws GatewayError. */
export const deleteKept = <Options>(kept: KeptAnswers<Options>): Handler<App> =>
  async function deleteKept(c) {
    const own = OwnTeam.of(c)
    const { team } = own.caller
    const place = await placeAt(c, own, kept)
    const { id, generation } = place
    await seenAt(c, own, place, kept)
    const seen = await see(c.env.GENERATIONS, generation, team)
    const { stillRunning } = kept
    await removeGeneration(c, team, { id: generation, snapshot: seen?.snapshot, stillRunning })
    return Response.json(kept.deleted(id))
  }
