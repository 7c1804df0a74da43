import type { Handler } from 'hono'
import type { App } from '../../context'

/** The versions of Google's API. The SDK uses v1 or v1beta, and v1beta1 for Vertex (protocols §3.2). */
const VERSIONS = ['v1', 'v1beta', 'v1alpha', 'v1beta1']

/** The parents of Vertex's paths. A client with an API key alone names no project. */
const PARENTS = ['', 'projects/:project/locations/:location/']

/** Where models stand: in the Gemini API, and at Vertex. */
const MODELS = ['models', ...PARENTS.map((parent) => `${parent}publishers/google/models`)]

const inVersions = (paths: readonly string[]): string[] =>
  VERSIONS.flatMap((version) => paths.map((path) => `/${version}/${path}`))

/** The methods of models. */
const METHODS = ['generateContent', 'streamGenerateContent', 'predict', 'countTokens'] as const

/**
 * The paths of the methods of a model. The parameter `call` holds both. One pattern stands for all methods: Hono's fast
 * router takes no second one in its place.
 */
export const METHOD_PATHS: readonly string[] = inVersions(
  MODELS.map((models) => `${models}/:call{.+:(?:${METHODS.join('|')})}`),
)

/** Handles the calls of some methods at these paths, and passes others on. */
export const forMethods =
  (methods: readonly (typeof METHODS)[number][], handler: Handler<App>): Handler<App> =>
  async (c, next) => {
    const [, method] = modelAndMethod(c.req.param('call') ?? '')
    return methods.some((each) => each === method) ? await handler(c, next) : await next()
  }

/** The paths of the list of models. */
export const MODEL_LISTS: readonly string[] = inVersions(MODELS)

/** The paths of one model. */
export const MODEL_PATHS: readonly string[] = inVersions(MODELS.map((models) => `${models}/:id{.+}`))

/** The paths of the interactions; at Vertex below a project. */
export const INTERACTION_LISTS: readonly string[] = inVersions(PARENTS.map((parent) => `${parent}interactions`))

/** The versions that OpenAI's API does not have, and Google's own collections in v1. */
const GOOGLE_PATH = /^\/v1(?:beta1?|alpha)\/|^\/v1\/(?:publishers|projects|interactions)(?:\/|$)/

/** Whether a path is Google's alone. */
export const isGooglePath = (path: string): boolean => GOOGLE_PATH.test(path)

/** The model and the method of a call such as `gpt-image-2:generateContent`. */
export function modelAndMethod(call: string): [model: string, method: string] {
  const colon = call.lastIndexOf(':')
  return [call.slice(0, colon), call.slice(colon + 1)]
}
