import type { Context } from 'hono'
import * as z from 'zod'
import type { App } from '../context'
import { unwrap } from '../runtime/errors'
import { recallLeases } from '../http/admission-lease'
import { keyHash, mintKey } from '../credentials/key-format'
import { isActiveKey, type Key, type KeyFields } from '../team/keys'
import { BURST_ALONE, isBurstAlone, limitsSchema } from '../limits/limits'
import { askTeam } from '../team/ask-team'
import { moment } from '../wire/json'
import { bodyOf } from './request'

const name = z.string().min(1).max(100)
const expiry = z.iso.datetime({ offset: true, message: 'Use a date and time such as 2027-01-31T00:00:00Z.' }).nullish()
const ownLimits = limitsSchema.refine((own) => !isBurstAlone(own), {
  message: BURST_ALONE,
  path: ['burst'],
})
const newKey = z.strictObject({ name, limits: ownLimits.default({}), expires_at: expiry })
const keyChange = z.strictObject({ name: name.exactOptional(), limits: ownLimits.exactOptional(), expires_at: expiry })

/** `POST /admin/api/teams/{team}/keys`: the only answer that tells the key itself. Throws GatewayError. */
export async function issueKey(c: Context<App>): Promise<Response> {
  const { expires_at, ...body } = await bodyOf(c, newKey)
  const facts = { ...body, expiresMs: msOf(expires_at) }
  const { id, text } = mintKey(teamAt(c), c.get('config').signingSecret)
  const hash = keyHash(text).toString('hex')
  const key = unwrap(await askTeam(c.env, teamAt(c), async (team) => await team.addKey(id, hash, facts)))
  return c.json({ ...keyJson(key), key: text }, 201)
}

/** `GET /admin/api/teams/{team}/keys`: all there ever were. Throws GatewayError. */
export async function listKeys(c: Context<App>): Promise<Response> {
  const keys = unwrap(await askTeam(c.env, teamAt(c), async (team) => await team.keys()))
  return c.json({ object: 'list', data: keys.map(keyJson) })
}

/** `PATCH /admin/api/teams/{team}/keys/{key}`: acts on its next request; `expires_at: null` is never. Throws GatewayError. */
export async function changeKey(c: Context<App>): Promise<Response> {
  const { expires_at, ...body } = await bodyOf(c, keyChange)
  const change: Partial<KeyFields> = { ...body, ...(expires_at === undefined ? {} : { expiresMs: msOf(expires_at) }) }
  const key = unwrap(await askTeam(c.env, teamAt(c), async (team) => await team.changeKey(idAt(c), change)))
  recallLeases(teamAt(c))
  return c.json(keyJson(key))
}

/** `DELETE /admin/api/teams/{team}/keys/{key}`: it opens nothing from now on. Throws GatewayError. */
export async function revokeKey(c: Context<App>): Promise<Response> {
  const key = unwrap(await askTeam(c.env, teamAt(c), async (team) => await team.revokeKey(idAt(c))))
  recallLeases(teamAt(c))
  return c.json(keyJson(key))
}

const teamAt = (c: Context<App>): string => c.req.param('team') ?? ''
const idAt = (c: Context<App>): string => c.req.param('key') ?? ''

const msOf = (text: string | null | undefined): number | undefined => (text ? Date.parse(text) : undefined)

function keyJson(key: Key): Record<string, unknown> {
  const { id, name: called, limits: own, createdMs, expiresMs, revokedMs } = key
  const ended = revokedMs === undefined ? 'expired' : 'revoked'
  return {
    object: 'key',
    id,
    name: called,
    limits: own,
    status: isActiveKey(key, Date.now()) ? 'active' : ended,
    created_at: moment(createdMs),
    expires_at: moment(expiresMs),
    revoked_at: moment(revokedMs),
  }
}
