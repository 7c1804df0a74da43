import type { Context } from 'hono'
import * as z from 'zod'
import { checked } from '../failures/checked'
import type { App } from '../context'
import { periodOf } from '../wire/period'
import type { TeamUsageRow } from '../team/directory-sums'
import { EMPTY_USAGE_ROW } from '../ledger/usage'
import { usageJson } from '../wire/json'
import { csv, CSV_HEADERS } from '../wire/csv'
import { usageOfTeams } from './usage-of-teams'

const usageQuery = z.object({
  team: z.string().optional(),
  key: z.string().optional(),
  format: z.enum(['json', 'csv']).default('json'),
})

/** `GET /admin/api/usage`: by team, day, key, model and upstream, as JSON or CSV. Throws GatewayError. */
export async function showUsageReport(c: Context<App>): Promise<Response> {
  const { team: only, key, format } = checked(usageQuery, c.req.query())
  const period = periodOf(c.req.query(), Date.now())
  const { creditsPerUsd } = c.get('config')
  const rowJson = ({ team, ...row }: TeamUsageRow): Record<string, unknown> => ({
    team,
    ...usageJson(row, creditsPerUsd),
  })
  const { asOfMs, rows } = await usageOfTeams(c.env, only, { ...period, key })
  const data = rows.map(rowJson)
  const as_of = new Date(asOfMs).toISOString()
  if (format === 'json') return c.json({ object: 'list', period, as_of, data })
  return c.body(csv(Object.keys(rowJson({ team: '', ...EMPTY_USAGE_ROW })), data), 200, {
    ...CSV_HEADERS,
    'x-as-of': as_of,
  })
}
