import type { Context } from 'hono'
import type { App } from '../context'
import { type Failure, GatewayError } from '../failures/errors'
import { HOPS_HEADER, nextHops } from '../runtime/hops'
import { log } from '../runtime/log'

/** The gateways that a request has passed, with this one. Throws GatewayError if it comes from this gateway itself. */
export function hopsOf(c: Context<App>): string {
  const hops = nextHops(c.req.header(HOPS_HEADER), c.get('config').gatewayId)
  if (hops !== undefined) return hops
  log('request-looped', { request: c.get('requestId'), host: new URL(c.req.url).host })
  throw new GatewayError(LOOP)
}

const LOOP: Failure = {
  code: 'loop_detected',
  message:
    'This request comes from this gateway itself: one of its upstreams leads back to it. Its operator is to change the base_url of that upstream.',
  retry: false,
}
