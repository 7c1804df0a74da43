import type { Context } from 'hono'
import { OwnTeam } from '../http/own-team'
import type { App } from '../context'
import { limitHeaders } from '../wire/limit-headers'
import { periodOf } from '../wire/period'
import { isoTime, limitStatusJson, totalsJson, usageJson } from '../wire/json'

/** `GET /v1/usage`: the limits and the use of the caller's key and of its team. Throws GatewayError. */
export async function showUsage(c: Context<App>): Promise<Response> {
  const config = c.get('config')
  const team = OwnTeam.forList(c)
  const period = await team.read(() => periodOf(c.req.query(), Date.now()))
  const account = await team.ask(async (stub, sent) => await stub.accountAs(sent, period))
  const { profile, limits, limitStatuses } = account
  const { id, name, limits: own, expiresMs } = account.key
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
