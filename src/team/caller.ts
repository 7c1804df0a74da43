import type { Buffer } from 'node:buffer'
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Config } from '../config'
import { GatewayError } from '../errors'

/** Who sent a request. */
export interface Caller {
  team: string
}

/** Tells whose key this is. Throws GatewayError `unauthorized`. */
export function identify(apiKey: string | undefined, { gatewayKey }: Config): Caller {
  if (!apiKey) {
    const message = "You didn't provide an API key. Send it in an Authorization header: Bearer YOUR_KEY."
    throw new GatewayError({ code: 'unauthorized', message })
  }
  if (!gatewayKey || !timingSafeEqual(digest(apiKey), digest(gatewayKey))) {
    const message = 'Incorrect API key provided. Check it, or ask whoever runs this gateway for one.'
    throw new GatewayError({ code: 'unauthorized', message, reason: 'invalid_api_key' })
  }
  return { team: 'default' }
}

/** Equal lengths, so that not even the length of the key shows in how long the comparison takes. */
const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
