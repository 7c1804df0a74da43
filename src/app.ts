import { Hono, type MiddlewareHandler } from 'hono'
import { version } from '../package.json'
import { admin } from './admin/admin'
import { showSettings } from './admin/settings'
import { configOf } from './config'
import type { App } from './context'
import { allowOrigins } from './http/cors'
import { failureResponse } from './delivery/failure-response'
import { showImage } from './routes/image-link'
import { apiOf } from './dialects'
import { chatCompletions, openrouterChat } from './dialects/chat-completions/chat-completions'
import { gemini } from './dialects/gemini/gemini'
import { forMethods, INTERACTION_LISTS, METHOD_PATHS, MODEL_LISTS, MODEL_PATHS } from './dialects/google/paths'
import type { KeptAnswers } from './dialects/kept-answer'
import { grsaiApi, grsaiDraw } from './dialects/grsai/grsai'
import { imagen } from './dialects/imagen/imagen'
import { imageEdits, imageGenerations, imageVariations } from './dialects/openai-images/openai-images'
import { keptInteractions } from './dialects/interactions/kept'
import { interactions } from './dialects/interactions/interactions'
import { openrouterImages } from './dialects/openrouter-images/openrouter-images'
import { keptResponses } from './dialects/responses/kept'
import { responses } from './dialects/responses/responses'
import { newId } from './runtime/ids'
import { countTokens } from './routes/count-tokens'
import { showApiResult, showDrawResult } from './routes/grsai-results'
import { cancelGeneration } from './routes/generations/cancel'
import { deleteGeneration, deleteImage } from './routes/generations/delete'
import { listGenerations } from './routes/generations/list'
import { showGeneration } from './routes/generations/show'
import { refuseUnknownUrl } from './routes/unknown-url'
import { cancelKept } from './routes/kept-answers/cancel'
import { deleteKept } from './routes/kept-answers/delete'
import { showKept } from './routes/kept-answers/show'
import { listImageModels, listModels, showImageEndpoints, showModel } from './routes/models'
import { serve } from './http/serve'
import { showUsage } from './routes/usage'

/** Dialects set both headers themselves: setting one here would copy every response. */
const keepPrivate: MiddlewareHandler<App> = async function keepPrivate(c, next) {
  await next()
  c.header('x-request-id', c.get('requestId'))
  if (!c.res.headers.has('cache-control')) c.header('cache-control', 'no-store')
}

/** The paths of Azure's clients for a path of OpenAI's API (protocols §6.1). */
const azurePaths = (path: string): string[] => [`/openai/v1${path}`, `/openai${path}`]

/** The paths of OpenAI's API and of Azure's clients. */
const openaiPaths = (path: string): string[] => [`/v1${path}`, ...azurePaths(path)]

/** The same, and the path below a deployment, Azure's word for a model. */
const deployedPaths = (path: string): string[] => [...openaiPaths(path), `/openai/deployments/:deployment${path}`]

const RESPONSE_LISTS = openaiPaths('/responses')

/** The routes of kept answers by their ids, below the paths that begin them. */
const answersById = <Options>(lists: readonly string[], kept: KeptAnswers<Options>): Hono<App> => {
  const paths = lists.map((list) => `${list}/:id`)
  const cancels = paths.map((path) => `${path}/cancel`)
  return new Hono<App>()
    .on('GET', paths, showKept(kept))
    .on('DELETE', paths, deleteKept(kept))
    .on('POST', cancels, cancelKept(kept))
}

/** The origin of a request. Its URL is a serialized one (WHATWG Fetch §5.4), which has a path. */
const originOf = ({ url }: Request): string => url.slice(0, url.indexOf('/', 'https://'.length))

/** Every route of the product. */
const routes = new Hono<App>()
  .use(async function identifyRequest(c, next) {
    c.set('requestId', newId('req'))
    c.set('origin', originOf(c.req.raw))
    await next()
  })
  .use(allowOrigins)

  .get('/health', (c) => c.json({ status: 'alive', gateway: 'darkroom', version }))

  .get('/admin/api/settings', keepPrivate, showSettings)

  .use(async function requireConfig(c, next) {
    c.set('config', configOf(c.env))
    await next()
  })

  .on('POST', deployedPaths('/images/generations'), serve(imageGenerations))
  .on('POST', deployedPaths('/images/edits'), serve(imageEdits))
  .post('/v1/images/variations', serve(imageVariations))
  .post('/api/v1/images', serve(openrouterImages))
  .on('POST', deployedPaths('/chat/completions'), serve(chatCompletions))
  .post('/api/v1/chat/completions', serve(openrouterChat))
  .on('POST', [...METHOD_PATHS], forMethods(['generateContent', 'streamGenerateContent'], serve(gemini)))
  .on('POST', [...METHOD_PATHS], forMethods(['predict'], serve(imagen)))
  .on('POST', [...INTERACTION_LISTS], serve(interactions))
  .on('POST', RESPONSE_LISTS, serve(responses))
  .post('/v1/draw/completions', serve(grsaiDraw))
  .post('/v1/draw/nano-banana', serve(grsaiDraw))
  .post('/v1/api/generate', serve(grsaiApi))
  .post('/v1/api/edit', serve(grsaiApi))

  .use(keepPrivate)

  .on('POST', [...METHOD_PATHS], forMethods(['countTokens'], countTokens))
  .on('GET', [...MODEL_LISTS, ...azurePaths('/models')], listModels)
  .on('GET', [...MODEL_PATHS, ...azurePaths('/models/:id{.+}')], showModel)
  .get('/api/v1/models', listModels)
  .get('/api/v1/model/:id{.+}', showModel)
  .get('/api/v1/images/models', listImageModels)
  .get('/api/v1/images/models/:path{.+/endpoints}', showImageEndpoints)
  .get('/v1/usage', showUsage)
  .get('/v1/generations', listGenerations)
  .get('/v1/generations/:id', showGeneration)
  .delete('/v1/generations/:id', deleteGeneration)
  .post('/v1/generations/:id/cancel', cancelGeneration)
  .route('/', answersById(RESPONSE_LISTS, keptResponses))
  .route('/', answersById(INTERACTION_LISTS, keptInteractions))
  .post('/v1/draw/result', showDrawResult)
  .get('/v1/api/result', showApiResult)

  .get('/images/*', showImage)
  .delete('/images/*', deleteImage)

  .route('/admin/api', admin)

/** The routes, and the refusal of every other request. */
export const app = routes
  .notFound((c) => refuseUnknownUrl(c, routes.router))
  .onError((error, c) => failureResponse(error, apiOf(c).renderError, c.get('requestId')))
