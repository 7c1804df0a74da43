/** The header with the gateways that a request has passed, in the form of CDN-Loop (RFC 8586 §2). */
export const HOPS_HEADER = 'darkroom-hops'

/** A longer chain of gateways is a loop, too. */
const MAX_HOPS = 8

const GATEWAY_ID = /^[0-9a-f]{16}$/

/**
 * The header for requests to upstreams: the gateways of the incoming header, and this one. Undefined if the request
 * goes round in circles. Other words of a client are dropped.
 */
export function nextHops(received: string | undefined, gateway: string): string | undefined {
  if (received === undefined) return gateway
  const passed = received.split(',', MAX_LISTED).map((id) => id.trim())
  const gateways = passed.filter((id) => GATEWAY_ID.test(id))
  if (gateways.includes(gateway) || gateways.length >= MAX_HOPS) return undefined
  return [...gateways, gateway].join(', ')
}

/** Entries beyond these are not read. */
const MAX_LISTED = 64
