import type { Context } from 'hono'
import * as z from 'zod'
import type { App } from '../context'
import { unwrap } from '../failures/errors'
import { recallLeases } from '../http/admission-lease'
import { keyHash, mintKey } from '../credentials/key-format'
import { isActiveKey, type Key, type KeyFields } from '../team/keys'
import { BURST_ALONE, isBurstAlone, limitsSchema } from '../limits/limits'
import { askTeam } from '../team/ask-team'
import { isoTime } from '../wire/json'
import { bodyBy, displayName, teamOf } from './request'

const expiry = z.iso.datetime({ offset: true, message: 'Use a date and time such as 2027-01-31T00:00:00Z.' }).nullish()
const ownLimits = limitsSchema.refine((own) => !isBurstAlone(own), {
  message: BURST_ALONE,
  path: ['burst'],
})
const newKey = z.strictObject({
  name: displayName,
  limits: ownLimits.default({}),
  fresh: z.boolean().nullable().default(null),
  expires_at: expiry,
})
const keyChange = z.strictObject({
  name: displayName.exactOptional(),
  limits: ownLimits.exactOptional(),
  fresh: z.boolean().nullable().exactOptional(),
  expires_at: expiry,
})

/** `POST /admin/api/teams/{team}/keys`: the only answer with the key itself. Throws GatewayError. */
export async function issueKey(c: Context<App>): Promise<Response> {
  const { expires_at, ...body } = await bodyBy(c, newKey)
  const fields = { ...body, expiresMs: msOf(expires_at) }
  const { id, text } = mintKey(teamOf(c), c.get('config').signingSecret)
  const hash = keyHash(text).toString('hex')
  const key = unwrap(await askTeam(c.env, teamOf(c), async (team) => await team.addKey(id, hash, fields)))
  return c.json({ ...keyJson(key), key: text }, 201)
}

/** `GET /admin/api/teams/{team}/keys`: all keys, also revoked and expired ones. Throws GatewayError. */
export async function listKeys(c: Context<App>): Promise<Response> {
  const keys = unwrap(await askTeam(c.env, teamOf(c), async (team) => await team.keys()))
  return c.json({ object: 'list', data: keys.map(keyJson) })
}

/**
 * `PATCH /admin/api/teams/{team}/keys/{key}`: the change takes effect from the next request on.
 * `expires_at: null` means never. Throws GatewayError.
 */
export async function changeKey(c: Context<App>): Promise<Response> {
  const { expires_at, ...body } = await bodyBy(c, keyChange)
  const change: Partial<KeyFields> = { ...body, ...(expires_at === undefined ? {} : { expiresMs: msOf(expires_at) }) }
  const key = unwrap(await askTeam(c.env, teamOf(c), async (team) => await team.changeKey(keyIdOf(c), change)))
  recallLeases(teamOf(c))
  return c.json(keyJson(key))
}

/** `DELETE /admin/api/teams/{team}/keys/{key}`: revokes the key. Throws GatewayError. */
export async function revokeKey(c: Context<App>): Promise<Response> {
  const key = unwrap(await askTeam(c.env, teamOf(c), async (team) => await team.revokeKey(keyIdOf(c))))
  recallLeases(teamOf(c))
  return c.json(keyJson(key))
}

const keyIdOf = (c: Context<App>): string => c.req.param('key') ?? ''

const msOf = (text: string | null | undefined): number | undefined => (text ? Date.parse(text) : undefined)

function keyJson(key: Key): Record<string, unknown> {
  const { id, name, limits, fresh, createdMs, expiresMs, revokedMs } = key
  const ended = revokedMs === undefined ? 'expired' : 'revoked'
  return {
    object: 'key',
    id,
    name,
    limits,
    fresh,
    status: isActiveKey(key, Date.now()) ? 'active' : ended,
    created_at: isoTime(createdMs),
    expires_at: isoTime(expiresMs),
    revoked_at: isoTime(revokedMs),
  }
}
