import type { Context } from 'hono'
import type { App } from '../context'
import { type Caller, identifyCaller, sentKey } from '../credentials/caller'
import type { Key } from '../team/keys'
import { keyForList, keyOf } from './admission-lease'

/**
 * Authenticates a request that starts nothing, by a key of any wire format. A job's client asks with the key of its
 * first request. The request is not counted. Throws GatewayError for a key that is not valid.
 */
export async function authenticate(c: Context<App>): Promise<{ team: string; key: Key }> {
  const caller = identified(c)
  return { team: caller.team, key: await keyOf(caller, c.env) }
}

/** Authenticates a request for a list or a report. Throws GatewayError also for a key with too many of them. */
export async function authenticateList(c: Context<App>): Promise<{ team: string; key: Key }> {
  const caller = identified(c)
  return { team: caller.team, key: await keyForList(caller, c) }
}

const identified = (c: Context<App>): Caller => identifyCaller(sentKey(c.req), c.get('config'))
