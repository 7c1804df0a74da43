import type { Handler } from 'hono'
import type { App } from '../../context'
import type { KeptAnswers } from '../../dialects/kept-answer'
import { cancel } from '../../generation/generations'
import { OwnTeam } from '../../http/own-team'
import { isEnded } from '../../ledger/snapshot'
import { foundAnswer, sendFound } from './found'

/** Stops a background answer, unless it has ended. Throws GatewayError. */
export const cancelKept = <Options>(kept: KeptAnswers<Options>): Handler<App> =>
  async function cancelKept(c) {
    const team = OwnTeam.of(c)
    const found = await foundAnswer(c, team, kept)
    if (isEnded(found.snapshot)) return await sendFound(c, found, kept)
    await cancel(c.env.GENERATIONS, found.place.generation, team.caller.team)
    return await sendFound(c, await foundAnswer(c, team, kept), kept)
  }
