import type { Context } from 'hono'
import type { App } from '../context'
import { failureResponse } from '../delivery/failure-response'
import { apiOf } from '../dialects'
import type { ListedModel, ModelWording } from '../dialects/api'
import { imageEndpoints, imageModels } from '../dialects/openrouter-images/models'
import { OwnTeam } from '../http/own-team'
import { allowsModel } from '../limits/limits'
import { type Failure, GatewayError } from '../failures/errors'
import { isImageModel, modelResolver } from '../upstreams/names'
import { dateIn } from '../upstreams/built-in'
import { successorOf } from '../upstreams/retirement'

/*
 * The models that a key may use, in the words of the client's API.
 */

/** `GET /v1/models`, and Google's lists: every model with a name of its own. */
export const listModels = (c: Context<App>): Promise<Response> =>
  worded(c, ({ list }, mayUse) => list(usableIn(c, mayUse), c.req.query()))

/** `GET /v1/models/{id}`, and Google's paths: also a retired model, or one that only a pattern covers. */
export const showModel = (c: Context<App>): Promise<Response> =>
  worded(c, ({ one }, mayUse) => one(named(c, c.req.param('id') ?? '', mayUse)))

/** `GET /api/v1/images/models`: the models that make pictures, as OpenRouter lists them. */
export const listImageModels = (c: Context<App>): Promise<Response> =>
  worded(c, (_, mayUse) => imageModels(usableIn(c, mayUse).filter(({ isImage }) => isImage)))

/** `GET /api/v1/images/models/{id}/endpoints`: this gateway as the one endpoint of a model. */
export const showImageEndpoints = (c: Context<App>): Promise<Response> =>
  worded(c, (_, mayUse) => {
    const found = named(c, (c.req.param('path') ?? '').replace(/\/endpoints$/, ''), mayUse)
    if (!found.isImage) throw new GatewayError(noModel(found.id))
    return imageEndpoints(found)
  })

type MayUse = (name: string) => boolean

const usableIn = (c: Context<App>, mayUse: MayUse): ListedModel[] => namesIn(c).filter(mayUse).map(listedIn(c))

/** A model by its name. Throws GatewayError for one that the key may not use. */
function named(c: Context<App>, name: string, mayUse: MayUse): ListedModel {
  if (!mayUse(name)) throw new GatewayError(noModel(name))
  return listedIn(c)(name)
}

async function worded(c: Context<App>, answer: (wording: ModelWording, mayUse: MayUse) => unknown): Promise<Response> {
  const { models, renderError } = apiOf(c)
  try {
    return c.json(answer(models, await usableBy(c)))
  } catch (error) {
    return failureResponse(error, renderError, c.get('requestId'))
  }
}

/** A test for the models that a key may use. Throws GatewayError for a key that is not valid. */
async function usableBy(c: Context<App>): Promise<MayUse> {
  const config = c.get('config')
  const { key, limits } = await OwnTeam.forList(c).ask(async (team, sent) => await team.stateAs(sent))
  const meant = modelResolver(config, Date.now())
  return (name) => {
    const model = meant(name)
    return model !== undefined && [key.limits, limits].every((each) => allowsModel(each, model, meant))
  }
}

/** The names of the catalogue and the settings, sorted; of retired models, only those that an upstream lists. */
function namesIn(c: Context<App>): string[] {
  const { knownModels, aliases, upstreams, catalogue } = c.get('config')
  const live = knownModels.filter((name) => successorOf(name, catalogue, Date.now()) === undefined)
  const listed = upstreams
    .filter(({ isFallback }) => !isFallback)
    .flatMap(({ models }) => models.map(({ ours }) => ours))
  const exact = listed.filter((name) => !name.endsWith('*'))
  return [...new Set([...live, ...aliases.keys(), ...exact])].toSorted()
}

/** Adds its dates and its abilities to a name; an alias has those of its model. */
function listedIn(c: Context<App>): (name: string) => ListedModel {
  const config = c.get('config')
  const meant = modelResolver(config, Date.now())
  return (id) => {
    const model = config.catalogue(meant(id) ?? id)
    const { shutdown = model.shutdown, released = model.released ?? CATALOGUE_DAY } = config.catalogue(id)
    const dates = { released: dateIn(id) ?? released, shutdownDate: shutdown?.date ?? null }
    return { id, ...dates, isImage: isImageModel(id, config), model }
  }
}

/** The day of the catalogue, for a model without a known release. */
const CATALOGUE_DAY = '2026-11-29'

const noModel = (name: string): Failure => ({
  code: 'not_found',
  message: `The model '${name.slice(0, 100)}' does not exist, or your key may not use it. List the models to see what it may.`,
  param: 'model',
  reason: 'model_not_found',
})
