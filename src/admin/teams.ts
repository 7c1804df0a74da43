import type { Context } from 'hono'
import * as z from 'zod'
import { invalidValue, invalidParameter } from '../failures/parameters'
import type { Config } from '../config'
import type { App } from '../context'
import { checked } from '../failures/checked'
import { GatewayError, unwrap } from '../failures/errors'
import { pageLimit, pageOf } from '../wire/page'
import type { ListedTeam } from '../team/directory'
import { recallLeases } from '../http/admission-lease'
import { TEAM_ID } from '../credentials/key-format'
import { BURST_ALONE, isBurstAlone, type Limits, limitsSchema } from '../limits/limits'
import { effectiveLimits, type Profile, TEAM_ID_TAKEN } from '../team/profile'
import type { LimitStatus } from '../limits/limit-status'
import { askDirectory } from '../team/ask-directory'
import { askTeam } from '../team/ask-team'
import { isoTime, limitStatusJson } from '../wire/json'
import { bodyBy, displayName, teamOf } from './request'

const newTeam = z.strictObject({
  id: z.string().regex(TEAM_ID, 'Use 1 to 32 lower-case letters, digits and hyphens.'),
  name: displayName.optional(),
  plan: z.string().optional(),
  limits: limitsSchema.optional(),
  fresh: z.boolean().default(false),
})
const teamChange = z.strictObject({
  name: displayName.exactOptional(),
  plan: z.string().exactOptional(),
  limits: limitsSchema.exactOptional(),
  fresh: z.boolean().exactOptional(),
})
const teamsQuery = z.object({
  limit: pageLimit(1000, 100),
  cursor: z.string().optional(),
})

/** `POST /admin/api/teams`. Throws GatewayError. */
export async function createTeam(c: Context<App>): Promise<Response> {
  const body = await bodyBy(c, newTeam)
  const config = c.get('config')
  const plan = planOf(body.plan, config) ?? config.defaultPlan
  refuseBurstAlone({ ...config.plans.get(plan), ...body.limits })
  const { id, name = id, limits = {}, fresh } = body
  const profile = { id, name, plan, limits, fresh, createdMs: Date.now() }
  return c.json(teamJson(await createListed(c.env, profile), config), 201)
}

/**
 * Creates a team and lists it. An existing team is listed too: an earlier request may have failed halfway.
 * Throws GatewayError, `conflict` for an existing team.
 */
async function createListed(env: Env, profile: Profile): Promise<Profile> {
  const actual = unwrap(await askTeam(env, profile.id, async (team) => await team.create(profile)))
  const listed = { id: actual.id, name: actual.name, created_ms: actual.createdMs }
  await askDirectory(env, async (directory) => await directory.add(listed))
  if (actual.createdMs !== profile.createdMs) throw new GatewayError(TEAM_ID_TAKEN)
  return actual
}

/** `GET /admin/api/teams`: a page, in the order of ids. Throws GatewayError. */
export async function listTeams(c: Context<App>): Promise<Response> {
  const { limit, cursor } = checked(teamsQuery, c.req.query())
  const teams = await askDirectory(c.env, async (directory) => await directory.list(limit + 1, cursor))
  return c.json(pageOf(teams, limit, { rowJson: listedTeamJson, cursorAfter: ({ id }) => id }))
}

const listedTeamJson = ({ id, name, created_ms }: ListedTeam): Record<string, unknown> => ({
  object: 'team',
  id,
  name,
  created_at: isoTime(created_ms),
})

/** `GET /admin/api/teams/{team}`: the team and the status of its limits. Throws GatewayError. */
export async function showTeam(c: Context<App>): Promise<Response> {
  const { profile, limitStatuses } = unwrap(await askTeam(c.env, teamOf(c), async (team) => await team.read()))
  return c.json({
    ...teamJson(profile, c.get('config')),
    standings: limitStatuses.filter(isOfTeam).map(limitStatusJson),
  })
}

/**
 * `PATCH /admin/api/teams/{team}`: the change takes effect from the next request on.
 * `limits` replaces all limits of the team. Throws GatewayError.
 */
export async function changeTeam(c: Context<App>): Promise<Response> {
  const change = await bodyBy(c, teamChange)
  planOf(change.plan, c.get('config'))
  const before = unwrap(await askTeam(c.env, teamOf(c), async (team) => await team.read())).profile
  refuseBurstAlone(effectiveLimits({ ...before, ...change }, c.get('config')))
  const profile = unwrap(await askTeam(c.env, teamOf(c), async (team) => await team.change(change)))
  if (change.name !== undefined)
    await askDirectory(c.env, async (directory) => await directory.rename(profile.id, profile.name))
  recallLeases(profile.id)
  return c.json(teamJson(profile, c.get('config')))
}

/** `DELETE /admin/api/teams/{team}`: ends its keys at once; its alarm removes images and tables. Throws GatewayError. */
export async function deleteTeam(c: Context<App>): Promise<Response> {
  const id = teamOf(c)
  const deleted = await askTeam(c.env, id, async (team) => await team.delete())
  // Also for a team that is already deleted: an earlier request may have failed halfway.
  await askDirectory(c.env, async (directory) => await directory.remove(id))
  recallLeases(id)
  unwrap(deleted)
  return c.json({ object: 'team', id, deleted: true })
}

const isOfTeam = ({ scope }: LimitStatus): boolean => scope === 'team'

function planOf(plan: string | undefined, { plans }: Config): string | undefined {
  if (plan === undefined || plans.has(plan)) return plan
  throw new GatewayError(invalidValue('plan', plan, [...plans.keys()]))
}

function refuseBurstAlone(effective: Limits): void {
  if (isBurstAlone(effective)) throw new GatewayError(invalidParameter('limits.burst', BURST_ALONE))
}

const teamJson = (profile: Profile, config: Config): Record<string, unknown> => ({
  object: 'team',
  id: profile.id,
  name: profile.name,
  plan: profile.plan,
  created_at: isoTime(profile.createdMs),
  limits: profile.limits,
  fresh: profile.fresh ?? false,
  effective_limits: effectiveLimits(profile, config),
})
