import { Hono } from 'hono'
import { version } from '../package.json'
import { admin } from './admin/admin'
import { configOf } from './config'
import type { App } from './context'
import { failureResponse } from './delivery/failure'
import { showImage } from './delivery/image-link'
import { imageEdits, imageGenerations, imageVariations } from './dialects/openai-images'
import { openaiError } from './dialects/openai-error'
import { GatewayError } from './errors'
import { deleteGeneration, deleteImage, listGenerations } from './history'
import { cancelGeneration, showGeneration } from './generations'
import { serve } from './serve'
import { showUsage } from './usage'

/** Every route of the product. */
export const app = new Hono<App>()
  .use(async function identifyRequest(c, next) {
    c.set('requestId', `req_${crypto.randomUUID().replaceAll('-', '')}`)
    await next()
  })

  .get('/health', (c) => c.json({ status: 'alive', gateway: 'darkroom', version }))

  .use(async function requireConfig(c, next) {
    c.set('config', configOf(c.env))
    await next()
  })

  .post('/v1/images/generations', serve(imageGenerations))
  .post('/v1/images/edits', serve(imageEdits))
  .post('/v1/images/variations', serve(imageVariations))

  .use(async function keepPrivate(c, next) {
    await next()
    c.header('x-request-id', c.get('requestId'))
    if (!c.res.headers.has('cache-control')) c.header('cache-control', 'no-store')
  })

  .get('/v1/usage', showUsage)
  .get('/v1/generations', listGenerations)
  .get('/v1/generations/:id', showGeneration)
  .delete('/v1/generations/:id', deleteGeneration)
  .post('/v1/generations/:id/cancel', cancelGeneration)

  .get('/images/*', showImage)
  .delete('/images/*', deleteImage)

  .route('/admin/api', admin)

  .notFound((c) => {
    const message = `Unknown request URL: ${c.req.method} ${c.req.path}. Check the URL and the method.`
    return failureResponse(new GatewayError({ code: 'not_found', message }), openaiError, c.get('requestId'))
  })
  .onError((error, c) => failureResponse(error, openaiError, c.get('requestId')))
