import type { Context } from 'hono'
import type { App } from '../context'
import { bearerToken, identifyCaller } from '../credentials/caller'
import type { Key } from '../team/keys'
import { keyOf } from './admission-lease'

/**
 * Authenticates a request that starts nothing, by the headers of any wire format. A job's client asks with the headers
 * of its first request. The request is not counted. Throws GatewayError for a key that is not valid.
 */
export async function authenticate(c: Context<App>): Promise<{ team: string; key: Key }> {
  const bearer = bearerToken(c.req.header('authorization'))
  const caller = identifyCaller(bearer ?? c.req.header('x-goog-api-key') ?? c.req.header('api-key'), c.get('config'))
  return { team: caller.team, key: await keyOf(caller, c.env) }
}
