import ipaddr from 'ipaddr.js'

/** The allowed targets of a named URL. */
export interface UrlRules {
  schemes: readonly ('https:' | 'http:')[]
  /** Lifts the rules of scheme and host, for local development and tests. */
  allowPrivateUrls: boolean
}

/** The URL is not followed. The message is fit for clients. */
export class RefusedUrl extends Error {}

/** The longest URL that the gateway reads out of a body or an answer, in bytes. */
export const MAX_URL_BYTES = 16 * 1024

const WEB = ['https:', 'http:'] as const

/** Names outside the public internet (RFC 6761, RFC 6762, RFC 8375, and those of clouds). */
const PRIVATE_NAMES = /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|home\.arpa|test|invalid|onion)$/

/** Parses a URL and checks it against the rules. Throws RefusedUrl. */
export function publicUrl(address: string, { schemes, allowPrivateUrls }: UrlRules): URL {
  if (!URL.canParse(address)) throw new RefusedUrl('it is not a URL')
  const url = new URL(address)
  const allowed = allowPrivateUrls ? WEB : schemes
  if (!allowed.some((scheme) => scheme === url.protocol)) throw new RefusedUrl(`it does not begin with ${schemes[0]}//`)
  if (url.username || url.password) throw new RefusedUrl('it holds a user name or password')
  if (!allowPrivateUrls && !isPublic(url.hostname)) throw new RefusedUrl('its host is not on the public internet')
  return url
}

/** The URL parser has normalised every spelling of an IPv4 address. */
function isPublic(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$|\.+$/g, '')
  if (ipaddr.isValid(host)) {
    const address = ipaddr.process(host)
    return address.range() === 'unicast' && (address.kind() === 'ipv4' || address.match(ipaddr.parseCIDR('2000::/3')))
  }
  return host.includes('.') && !PRIVATE_NAMES.test(host)
}
