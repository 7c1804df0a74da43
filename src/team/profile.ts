import * as z from 'zod'
import type { Config } from '../config'
import type { Failure } from '../failures/errors'
import { type Limits, limitsSchema } from '../limits/limits'

/** The fields of a team that the admin API shows. */
export const profileSchema = z.object({
  id: z.string(),
  name: z.string(),
  plan: z.string(),
  /** Limits that replace those of the plan. */
  limits: limitsSchema,
  /** Whether each request of its keys is made by itself; missing in older rows, which share. */
  fresh: z.boolean().optional(),
  createdMs: z.number(),
})
export type Profile = z.infer<typeof profileSchema>

/** The fields that the admin API changes. */
export type ProfileFields = Pick<Profile, 'name' | 'plan' | 'limits' | 'fresh'>

/** A team of a plan that the settings lack generates nothing: no limits at all would cost money. */
const UNKNOWN_PLAN_LIMITS: Limits = { concurrency: 0 }

/** The limits of a team's plan, with its own in their place. */
export const effectiveLimits = ({ plan, limits }: Profile, { plans }: Pick<Config, 'plans'>): Limits =>
  plans.has(plan) ? { ...plans.get(plan), ...limits } : { ...limits, ...UNKNOWN_PLAN_LIMITS }

export const TEAM_NOT_FOUND: Failure = {
  code: 'not_found',
  message: 'There is no such team. List them with GET /admin/api/teams.',
}
export const KEY_NOT_FOUND: Failure = {
  code: 'not_found',
  message: 'This team has no such key. List its keys with GET /admin/api/teams/{team}/keys.',
}
export const TEAM_ID_TAKEN: Failure = {
  code: 'conflict',
  message: 'There is a team of this id already. Choose another, or change that one with PATCH /admin/api/teams/{id}.',
  param: 'id',
}
export const TEAM_BEING_DELETED: Failure = {
  code: 'unavailable',
  message: 'A team of this id is still being deleted. Try again in a minute, or choose another id.',
  retryAfterMs: 60_000,
}
