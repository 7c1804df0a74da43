import { timingSafeEqual } from 'node:crypto'
import type { Config } from '../config'
import { GatewayError } from '../errors'
import { keyHash } from './key'

/** Who sent a request. */
export interface Caller {
  team: string
}

/** Tells whose key this is. Throws GatewayError `unauthorized`. */
export function identify(apiKey: string | undefined, { gatewayKeyHash }: Config): Caller {
  if (!apiKey) {
    const message = "You didn't provide an API key. Send it in an Authorization header: Bearer YOUR_KEY."
    throw new GatewayError({ code: 'unauthorized', message })
  }
  if (!gatewayKeyHash || !timingSafeEqual(keyHash(apiKey), gatewayKeyHash)) {
    const message = 'Incorrect API key provided. Check it, or ask whoever runs this gateway for one.'
    throw new GatewayError({ code: 'unauthorized', message, reason: 'invalid_api_key' })
  }
  return { team: 'default' }
}
