import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { pageOriginsOf } from '../config'
import type { App } from '../context'
import { oncePer } from '../runtime/once-per'

/** The headers that pages may read (api §6); browsers hide all others. */
const EXPOSED = [
  'x-request-id x-generation-id x-cache age x-upstream x-model x-adjusted sunset warning server-timing x-cost-usd x-cost-credits',
  'x-ratelimit-limit-requests x-ratelimit-remaining-requests x-ratelimit-reset-requests ratelimit ratelimit-policy',
  'x-ratelimit-limit-images x-ratelimit-remaining-images x-ratelimit-reset-images retry-after retry-after-ms',
  'x-should-retry location preference-applied idempotent-replayed etag accept-ranges content-range',
].flatMap((names) => names.split(' '))

/** Longer than the memory of any browser. */
const MAX_AGE_SECONDS = 86_400

/**
 * Lets pages of the origins in CORS_ORIGINS use the gateway. Every header is allowed: only the page itself can send a
 * key. The admin API is for pages of its own origin.
 */
export const allowOrigins: MiddlewareHandler<App> = (c, next) =>
  c.req.path.startsWith('/admin/') ? next() : policyOf(c.env)(c, next)

const policyOf = oncePer((env: object): MiddlewareHandler<App> => {
  const origins = pageOriginsOf(env)
  if (origins.length === 0) return (_, next) => next()
  return cors({
    origin: origins.includes('*') ? '*' : origins,
    allowMethods: ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'],
    exposeHeaders: EXPOSED,
    maxAge: MAX_AGE_SECONDS,
  })
})
