import type { Context } from 'hono'
import { authenticateList } from '../http/authenticate'
import type { App } from '../context'
import { limitHeaders } from '../wire/limit-headers'
import { unwrap } from '../failures/errors'
import { periodOf } from '../wire/period'
import { askTeam } from '../team/ask-team'
import { isoTime, limitStatusJson, totalsJson, usageJson } from '../wire/json'

/** `GET /v1/usage`: the limits and the use of the caller's key and of its team. Throws GatewayError. */
export async function showUsage(c: Context<App>): Promise<Response> {
  const config = c.get('config')
  const { team, key } = await authenticateList(c)
  const { id, name, limits: own, expiresMs } = key
  const period = periodOf(c.req.query(), Date.now())
  const account = unwrap(await askTeam(c.env, team, async (stub) => await stub.account(id, period)))
  const { profile, limits, limitStatuses } = account
  const answer = {
    object: 'usage',
    team: { id: profile.id, name: profile.name, plan: profile.plan, limits },
    key: { id, name, limits: own, expires_at: isoTime(expiresMs) },
    limits: limitStatuses.map(limitStatusJson),
    period,
    totals: totalsJson(account.own, config.creditsPerUsd),
    team_totals: totalsJson(account.all, config.creditsPerUsd),
    data: account.own.rows.map((row) => usageJson(row, config.creditsPerUsd)),
  }
  return c.json(answer, 200, limitHeaders(limitStatuses))
}
