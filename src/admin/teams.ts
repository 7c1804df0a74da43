import type { Context } from 'hono'
import * as z from 'zod'
import { invalidValue, notTogether } from '../refusals/refusals'
import type { Config } from '../config'
import type { App } from '../context'
import { checked } from '../refusals/checked'
import { GatewayError, unwrap } from '../runtime/errors'
import { pageOf } from '../wire/page'
import type { ListedTeam } from '../team/directory'
import { recallLeases } from '../http/admission-lease'
import { TEAM_ID } from '../credentials/key-format'
import { BURST_ALONE, isBurstAlone, type Limits, limitsSchema } from '../limits/limits'
import { effectiveLimits, type Profile, TEAM_ID_TAKEN } from '../team/profile'
import type { LimitStatus } from '../limits/limit-status'
import { askDirectory } from '../team/ask-directory'
import { askTeam } from '../team/ask-team'
import { moment, limitStatusJson } from '../wire/json'
import { bodyOf } from './request'

const name = z.string().min(1).max(100)
const newTeam = z.strictObject({
  id: z.string().regex(TEAM_ID, 'Use 1 to 32 lower-case letters, digits and hyphens.'),
  name: name.optional(),
  plan: z.string().optional(),
  limits: limitsSchema.optional(),
})
const teamChange = z.strictObject({
  name: name.exactOptional(),
  plan: z.string().exactOptional(),
  limits: limitsSchema.exactOptional(),
})
const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().optional(),
})

/** `POST /admin/api/teams`. Throws GatewayError. */
export async function createTeam(c: Context<App>): Promise<Response> {
  const body = await bodyOf(c, newTeam)
  const config = c.get('config')
  const plan = planOf(body.plan, config) ?? config.defaultPlan
  refuseBurstAlone({ ...config.plans.get(plan), ...body.limits })
  const profile = { id: body.id, name: body.name ?? body.id, plan, limits: body.limits ?? {}, createdMs: Date.now() }
  return c.json(teamJson(await found(c.env, profile), config), 201)
}

/**
 * Begins a team and lists it. One that is there already is listed all the same, since whoever began it may not have come
 * that far. Throws GatewayError, `conflict` where there is one of that id.
 */
async function found(env: Env, profile: Profile): Promise<Profile> {
  const there = unwrap(await askTeam(env, profile.id, async (team) => await team.create(profile)))
  const listed = { id: there.id, name: there.name, created_ms: there.createdMs }
  await askDirectory(env, async (directory) => await directory.add(listed))
  if (there.createdMs !== profile.createdMs) throw new GatewayError(TEAM_ID_TAKEN)
  return there
}

/** `GET /admin/api/teams`: by their ids, a page at a time. */
export async function listTeams(c: Context<App>): Promise<Response> {
  const { limit, cursor } = checked(listQuery, c.req.query())
  const teams = await askDirectory(c.env, async (directory) => await directory.list(limit + 1, cursor))
  return c.json(pageOf(teams, limit, { told: listedJson, cursorAfter: ({ id }) => id }))
}

const listedJson = ({ id, name, created_ms }: ListedTeam): Record<string, unknown> => ({
  object: 'team',
  id,
  name,
  created_at: moment(created_ms),
})

/** `GET /admin/api/teams/{team}`: with how its limits stand. Throws GatewayError. */
export async function showTeam(c: Context<App>): Promise<Response> {
  const { profile, limitStatuses } = unwrap(await askTeam(c.env, idAt(c), async (team) => await team.read()))
  return c.json({
    ...teamJson(profile, c.get('config')),
    standings: limitStatuses.filter(isOfTeam).map(limitStatusJson),
  })
}

/** `PATCH /admin/api/teams/{team}`: acts on its next request; `limits` replaces all of its own. Throws GatewayError. */
export async function changeTeam(c: Context<App>): Promise<Response> {
  const change = await bodyOf(c, teamChange)
  planOf(change.plan, c.get('config'))
  const before = unwrap(await askTeam(c.env, idAt(c), async (team) => await team.read())).profile
  refuseBurstAlone(effectiveLimits({ ...before, ...change }, c.get('config')))
  const profile = unwrap(await askTeam(c.env, idAt(c), async (team) => await team.change(change)))
  if (change.name !== undefined)
    await askDirectory(c.env, async (directory) => await directory.rename(profile.id, profile.name))
  recallLeases(profile.id)
  return c.json(teamJson(profile, c.get('config')))
}

/** `DELETE /admin/api/teams/{team}`: its keys open nothing from now on; images and books go soon after. Throws GatewayError. */
export async function deleteTeam(c: Context<App>): Promise<Response> {
  const id = idAt(c)
  const closed = await askTeam(c.env, id, async (team) => await team.delete())
  // Also where it was closed before: whoever did that may not have come this far.
  await askDirectory(c.env, async (directory) => await directory.remove(id))
  recallLeases(id)
  unwrap(closed)
  return c.json({ object: 'team', id, deleted: true })
}

const idAt = (c: Context<App>): string => c.req.param('team') ?? ''

const isOfTeam = ({ scope }: LimitStatus): boolean => scope === 'team'

function planOf(plan: string | undefined, { plans }: Config): string | undefined {
  if (plan === undefined || plans.has(plan)) return plan
  throw new GatewayError(invalidValue('plan', plan, [...plans.keys()]))
}

function refuseBurstAlone(effective: Limits): void {
  if (isBurstAlone(effective)) throw new GatewayError(notTogether('limits.burst', BURST_ALONE))
}

const teamJson = (profile: Profile, config: Config): Record<string, unknown> => ({
  object: 'team',
  id: profile.id,
  name: profile.name,
  plan: profile.plan,
  created_at: moment(profile.createdMs),
  limits: profile.limits,
  effective_limits: effectiveLimits(profile, config),
})
