import type { Context } from 'hono'
import type { App } from '../context'
import { failureResponse } from '../delivery/failure-response'
import { geminiError } from '../dialects/gemini/error'
import { countedTokens } from '../dialects/gemini/token-count'
import { Intake } from '../dialects/intake'
import { OwnTeam } from '../http/own-team'

/** Google's `countTokens`: an estimate by the catalogue. It is free, and no upstream is asked. */
export async function countTokens(c: Context<App>): Promise<Response> {
  try {
    const team = OwnTeam.forList(c)
    const { id: key, limits } = await team.ask(async (stub, sent) => await stub.keyAs(sent))
    const intake = new Intake(c, { team: team.caller.team, key, limits: [limits], noPictures: undefined })
    return c.json(await countedTokens(intake, c.get('config').catalogue))
  } catch (error) {
    return failureResponse(error, geminiError, c.get('requestId'))
  }
}
