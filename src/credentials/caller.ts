import { timingSafeEqual } from 'node:crypto'
import { type Failure, GatewayError } from '../failures/errors'
import { oncePer } from '../runtime/once-per'
import { RecentMap } from '../runtime/recent-map'
import { keyHash, teamOfKey } from './key-format'

/** The claimed sender of a request: this gateway minted the key, but may have revoked it since. */
export interface Caller {
  team: string
  /** The SHA-256 of the key, hex; undefined for the static key of the settings, which only the settings revoke. */
  keyHash: string | undefined
}

/** The settings that check a key without a call to its team. */
interface CredentialSettings {
  signingSecret: string
  gatewayKeyHash: Uint8Array | undefined
}

/** The id of the static key's team. */
export const DEFAULT_TEAM = 'default'

/** The key of an Authorization header (RFC 6750 §2.1); undefined without one. */
export const bearerToken = (authorization: string | undefined): string | undefined =>
  /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1]

/** The parts of a request that may hold a key. */
interface KeyedRequest {
  path: string
  header: (name: string) => string | undefined
  query: (name: string) => string | undefined
}

/** The paths where Google's clients may put the key into the query (protocols §3.2). */
const QUERY_KEY_PATH = /^\/v1(?:(?:alpha|beta1?)\/|\/(?:models|publishers|projects|interactions)(?:\/|$))/

/** The key of a request, where clients of any wire format put it. */
export const sentKey = (request: KeyedRequest): string | undefined =>
  bearerToken(request.header('authorization')) ||
  request.header('x-goog-api-key') ||
  request.header('api-key') ||
  (QUERY_KEY_PATH.test(request.path) ? request.query('key') : undefined)

/** The most keys in memory: their check takes two hashes. */
const MOST_KNOWN_KEYS = 1000

/** The callers with valid keys. A forged key leaves nothing here. */
const knownCallers = oncePer<CredentialSettings, RecentMap<string, Caller>>(() => new RecentMap(MOST_KNOWN_KEYS))

/** Finds the team of a key from the key alone. Throws GatewayError `unauthorized` for an absent or a forged key. */
export function identifyCaller(apiKey: string | undefined, settings: CredentialSettings): Caller {
  if (!apiKey) throw new GatewayError(MISSING_API_KEY)
  const callers = knownCallers(settings)
  const caller = callers.get(apiKey) ?? checkedCaller(apiKey, settings)
  callers.set(apiKey, caller)
  return caller
}

function checkedCaller(apiKey: string, { signingSecret, gatewayKeyHash }: CredentialSettings): Caller {
  const hash = keyHash(apiKey)
  if (gatewayKeyHash && timingSafeEqual(hash, gatewayKeyHash)) return { team: DEFAULT_TEAM, keyHash: undefined }
  const team = teamOfKey(apiKey, signingSecret)
  if (!team) throw new GatewayError(INCORRECT_API_KEY)
  return { team, keyHash: hash.toString('hex') }
}

const MISSING_API_KEY: Failure = {
  code: 'unauthorized',
  message: "You didn't provide an API key. Send it in an Authorization header: Bearer YOUR_KEY.",
}

/** Also the failure of a key after the deletion of its team. */
export const INCORRECT_API_KEY: Failure = {
  code: 'unauthorized',
  message: "Incorrect API key provided. Check it, or ask the gateway's operator for one.",
  reason: 'invalid_api_key',
}
