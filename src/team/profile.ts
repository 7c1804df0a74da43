import type { Config } from '../config'
import type { Failure } from '../runtime/errors'
import type { Limits } from '../limits/limits'

/** What can be said of a team by whoever runs the gateway. */
export interface Profile {
  id: string
  name: string
  plan: string
  /** What differs from the plan. */
  limits: Limits
  createdMs: number
}

/** Nothing is made for a team whose plan is no longer in the settings: that it had no limits would be worse. */
const UNKNOWN_PLAN_LIMITS: Limits = { concurrency: 0 }

/** What a team is allowed: its plan's limits, and its own in their place. */
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
