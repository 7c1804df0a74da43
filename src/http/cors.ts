import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { pageOriginsOf } from '../config'
import type { App } from '../context'

/** What pages may read of an answer besides its body (api §6); browsers keep other headers from them. */
const EXPOSED = [
  'x-request-id x-generation-id x-cache age x-upstream x-model x-adjusted sunset warning server-timing x-cost-usd x-cost-credits',
  'x-ratelimit-limit-requests x-ratelimit-remaining-requests x-ratelimit-reset-requests ratelimit ratelimit-policy',
  'x-ratelimit-limit-images x-ratelimit-remaining-images x-ratelimit-reset-images retry-after retry-after-ms',
  'x-should-retry location preference-applied idempotent-replayed etag accept-ranges content-range',
].flatMap((names) => names.split(' '))

/** Longer than any browser remembers. */
const MAX_AGE_SECONDS = 86_400

/**
 * Lets pages of the origins in CORS_ORIGINS use the gateway. It takes a key that only the page itself can send, so that no
 * header does harm and those of tomorrow's SDKs are allowed as well. The admin API is for pages of its own origin.
 */
export const allowOrigins: MiddlewareHandler<App> = async function allowOrigins(c, next) {
  const origins = pageOriginsOf(c.env)
  if (origins.length === 0 || c.req.path.startsWith('/admin/')) return await next()
  return await cors({
    origin: origins.includes('*') ? '*' : origins,
    allowMethods: ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'],
    exposeHeaders: EXPOSED,
    maxAge: MAX_AGE_SECONDS,
  })(c, next)
}
