import type { Context } from 'hono'
import type { App } from '../context'
import { identifyCaller, sentKey } from '../credentials/caller'
import { failureResponse } from '../delivery/failure-response'
import { geminiError } from '../dialects/gemini/error'
import { countedTokens } from '../dialects/gemini/token-count'
import { Intake } from '../dialects/intake'
import { keyForList } from '../http/admission-lease'

/** Google's `countTokens`: an estimate by the catalogue. It is free, and no upstream is asked. */
export async function countTokens(c: Context<App>): Promise<Response> {
  try {
    const { team, ...caller } = identifyCaller(sentKey(c.req), c.get('config'))
    const { id: key, limits } = await keyForList({ team, ...caller }, c)
    const intake = new Intake(c, { team, key, limits: [limits], noPictures: undefined })
    return c.json(await countedTokens(intake, c.get('config').catalogue))
  } catch (error) {
    return failureResponse(error, geminiError, c.get('requestId'))
  }
}
