import type { Context } from 'hono'
import type { App } from '../context'
import { bearerToken, type Caller, identifyCaller } from '../credentials/caller'
import type { Key } from '../team/keys'
import { keyForList, keyOf } from './admission-lease'

/**
 * Authenticates a request that starts nothing, by the headers of any wire format. A job's client asks with the headers
 * of its first request. The request is not counted. Throws GatewayError for a key that is not valid.
 */
export async function authenticate(c: Context<App>): Promise<{ team: string; key: Key }> {
  const caller = bearerOf(c)
  return { team: caller.team, key: await keyOf(caller, c.env) }
}

/** Authenticates a request for a list or a report. Throws GatewayError also for a key with too many of them. */
export async function authenticateList(c: Context<App>): Promise<{ team: string; key: Key }> {
  const caller = bearerOf(c)
  return { team: caller.team, key: await keyForList(caller, c) }
}

const bearerOf = (c: Context<App>): Caller => {
  const bearer = bearerToken(c.req.header('authorization'))
  return identifyCaller(bearer ?? c.req.header('x-goog-api-key') ?? c.req.header('api-key'), c.get('config'))
}
