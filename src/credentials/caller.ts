import { timingSafeEqual } from 'node:crypto'
import { type Failure, GatewayError } from '../runtime/errors'
import { keyHash, teamOfKey } from './key-format'

/** Who claims to send a request: a key that this gateway minted, though it may have been revoked since. */
export interface Caller {
  team: string
  /** The SHA-256 of the key, hex; undefined for the static key of the settings, which only the settings revoke. */
  keyHash: string | undefined
}

/** What a key is checked by without asking anybody. */
interface CredentialSettings {
  signingSecret: string
  gatewayKeyHash: Uint8Array | undefined
}

/** The team of the static key. */
export const DEFAULT_TEAM = 'default'

/** The key of an Authorization header (RFC 6750 §2.1). */
export const bearerToken = (authorization: string | undefined): string | undefined =>
  /^Bearer\s+(\S+)$/i.exec(authorization ?? '')?.[1]

/** Tells whose key this is without asking anybody. Throws GatewayError `unauthorized` for a key that was forged. */
export function identifyCaller(
  apiKey: string | undefined,
  { signingSecret, gatewayKeyHash }: CredentialSettings,
): Caller {
  if (!apiKey) throw new GatewayError(MISSING_API_KEY)
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

/** Also for a key whose team is gone: whoever holds it need not know that there was one. */
export const INCORRECT_API_KEY: Failure = {
  code: 'unauthorized',
  message: 'Incorrect API key provided. Check it, or ask whoever runs this gateway for one.',
  reason: 'invalid_api_key',
}
