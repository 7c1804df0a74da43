import type { Context } from 'hono'
import * as z from 'zod'
import { successorOf } from '../upstreams/retirement'
import { checked } from '../refusals/checked'
import type { App } from '../context'
import { failureResponse } from '../delivery/failure-response'
import { geminiKey, speaksGemini } from '../dialects/gemini/gemini'
import { geminiError } from '../dialects/gemini/error'
import { openaiError } from '../dialects/openai/error'
import { type Failure, GatewayError, unwrap } from '../runtime/errors'
import { bearerToken, identifyCaller } from '../credentials/caller'
import { keyOf } from '../http/admission-lease'
import { allowsModel } from '../limits/limits'
import { askTeam } from '../team/ask-team'
import { modelMeant } from '../upstreams/names'

/*
 * What a key may use, in the words of whoever asks: Google's clients ask by the same path as OpenAI's, and are known by
 * where they put their key (protocols §3.2).
 */

/** How models are told of. */
interface Wording {
  key: (c: Context<App>) => string | undefined
  list: (names: readonly string[], c: Context<App>) => unknown
  one: (name: string, c: Context<App>) => unknown
  error: typeof openaiError
}

/** `GET /v1/models`, `GET /v1beta/models`: every model that has a name of its own here. */
export const listModels = (c: Context<App>): Promise<Response> =>
  worded(c, async ({ list }, mayUse) => list(namesIn(c).filter(mayUse), c))

/** `GET /v1/models/{id}`, `GET /v1beta/models/{id}`: also one that is known by a pattern only, or that was retired. */
export const showModel = (c: Context<App>): Promise<Response> =>
  worded(c, async ({ one }, mayUse) => {
    const name = c.req.param('id') ?? ''
    if (!mayUse(name)) throw new GatewayError(noModel(name))
    return one(name, c)
  })

async function worded(
  c: Context<App>,
  answer: (wording: Wording, mayUse: (name: string) => boolean) => Promise<unknown>,
): Promise<Response> {
  const wording = speaksGemini(c) ? GOOGLE : OPENAI
  try {
    return c.json(await answer(wording, await usableBy(wording.key(c), c)))
  } catch (error) {
    return failureResponse(error, wording.error, c.get('requestId'))
  }
}

/** Which models the holder of a key may use. Throws GatewayError where it opens nothing. */
async function usableBy(apiKey: string | undefined, c: Context<App>): Promise<(name: string) => boolean> {
  const config = c.get('config')
  const caller = identifyCaller(apiKey, config)
  const key = await keyOf(caller, c.env)
  const { limits } = unwrap(await askTeam(c.env, caller.team, async (team) => await team.read(key.id)))
  const meant = modelMeant(config, Date.now())
  return (name) => {
    const model = meant(name)
    return model !== undefined && [key.limits, limits].every((each) => allowsModel(each, model, meant))
  }
}

/** The names that the catalogue and the settings have, in order; of retired ones, those that an upstream lists. */
function namesIn(c: Context<App>): string[] {
  const { knownModels, aliases, upstreams, catalogue } = c.get('config')
  const live = knownModels.filter((name) => successorOf(name, catalogue, Date.now()) === undefined)
  const listed = upstreams
    .filter(({ isFallback }) => !isFallback)
    .flatMap(({ models }) => models.map(({ ours }) => ours))
  const exact = listed.filter((name) => !name.endsWith('*'))
  return [...new Set([...live, ...aliases.keys(), ...exact])].toSorted()
}

/** Who made a model, and when, is not known of all; the API has no way to say so. */
const openaiModel = (id: string, c: Context<App>): unknown => ({
  id,
  object: 'model',
  created: 0,
  owned_by: 'darkroom',
  shutdown_date: shutdownDateOf(id, c),
})

/** When a model is shut down, or was; of a name that is another's, when that is. */
function shutdownDateOf(name: string, c: Context<App>): string | null {
  const config = c.get('config')
  const meant = modelMeant(config, Date.now())(name) ?? name
  const { shutdown = config.catalogue(meant).shutdown } = config.catalogue(name)
  return shutdown?.date ?? null
}

const OPENAI: Wording = {
  key: (c) => bearerToken(c.req.header('authorization')),
  list: (names, c) => ({ object: 'list', data: names.map((name) => openaiModel(name, c)) }),
  one: openaiModel,
  error: openaiError,
}

const googleModel = (name: string): unknown => ({
  name: `models/${name}`,
  displayName: name,
  supportedGenerationMethods: ['generateContent', 'streamGenerateContent'],
})

/** As the API has it: 50 models where nothing is said, and never more than 1000. */
const page = z.object({
  pageSize: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .transform((size) => Math.min(size || 50, 1000)),
  /** The last model of the page before. */
  pageToken: z.string().default(''),
})

const GOOGLE: Wording = {
  key: geminiKey,
  list: (names, c) => {
    const { pageSize, pageToken } = checked(page, c.req.query())
    const left = names.filter((name) => name > pageToken)
    const shown = left.slice(0, pageSize)
    return { models: shown.map(googleModel), ...(left.length > pageSize ? { nextPageToken: shown.at(-1) } : {}) }
  },
  one: googleModel,
  error: geminiError,
}

const noModel = (name: string): Failure => ({
  code: 'not_found',
  message: `The model '${name.slice(0, 100)}' does not exist, or your key may not use it. List the models to see what it may.`,
  param: 'model',
  reason: 'model_not_found',
})
