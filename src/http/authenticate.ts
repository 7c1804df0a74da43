import type { Context } from 'hono'
import type { App } from '../context'
import { bearerToken, identifyCaller } from '../credentials/caller'
import type { Key } from '../team/keys'
import { keyOf } from './admission-lease'

/**
 * Whose key a request comes with that only looks at what there is, in any of the headers of the wire formats: whoever has
 * handed something off asks for it as it did then. It is not counted. Throws GatewayError where the key opens nothing.
 */
export async function authenticate(c: Context<App>): Promise<{ team: string; key: Key }> {
  const bearer = bearerToken(c.req.header('authorization'))
  const caller = identifyCaller(bearer ?? c.req.header('x-goog-api-key') ?? c.req.header('api-key'), c.get('config'))
  return { team: caller.team, key: await keyOf(caller, c.env) }
}
