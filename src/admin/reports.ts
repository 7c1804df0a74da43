import type { Context } from 'hono'
import * as z from 'zod'
import { checked } from '../failures/checked'
import type { App } from '../context'
import { GatewayError, type Result } from '../failures/errors'
import { entryCursor, pageCursor, pageLimit, pageOf } from '../wire/page'
import { keyOfPath, runOfKey } from '../store/images'
import type { Entry } from '../ledger/entry'
import { DAY_MS } from '../runtime/durations'
import { periodOf } from '../wire/period'
import type { Team } from '../team/team'
import { askDirectory } from '../team/ask-directory'
import { askTeam } from '../team/ask-team'
import { TEAMS_AT_ONCE } from '../team/gather-sums'
import type { TeamUsageRow } from '../team/directory-sums'
import { EMPTY_USAGE_ROW } from '../ledger/usage'
import { auditJson, usageJson } from '../wire/json'
import { csv } from '../wire/csv'
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
    'content-type': 'text/csv; charset=utf-8',
    'x-as-of': as_of,
  })
}

const dayOrTime = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], 'Use a date such as 2027-01-31, or with its time and zone.')
  .transform((text) => ({ ms: Date.parse(text), isDay: !text.includes('T') }))

const auditQuery = z.object({
  team: z.string().optional(),
  generation: z.string().optional(),
  image: z.string().transform(keyOfAddress).refine(runOfKey, 'Use the link or the key of an image.').optional(),
  key: z.string().optional(),
  from: dayOrTime.transform(({ ms }) => ms).optional(),
  // A day includes its end, as in the usage report.
  to: dayOrTime.transform(({ ms, isDay }) => (isDay ? ms + DAY_MS : ms)).optional(),
  limit: pageLimit(1000, 100),
  cursor: pageCursor.optional(),
})

interface AuditedEntry {
  team: string
  entry: Entry
}

/** `GET /admin/api/audit`: generations by image, generation, key or time, the newest first. Throws GatewayError. */
export async function showAudit(c: Context<App>): Promise<Response> {
  const { team: only, limit, cursor: after, ...query } = checked(auditQuery, c.req.query())
  const generation = query.generation ?? (query.image && runOfKey(query.image)?.generation)
  const filter = { ...query, generation, deleted: true }
  let found: AuditedEntry[] = []
  for await (const { id, value } of ofTeams(c, only, async (team) => await team.page(filter, limit + 1, after))) {
    const all = [...found, ...value.map((entry) => ({ team: id, entry }))]
    found = all.toSorted((a, b) => newestFirst(a.entry, b.entry)).slice(0, limit + 1)
  }
  const { creditsPerUsd } = c.get('config')
  const rowJson = ({ team, entry }: AuditedEntry): Record<string, unknown> => auditJson(team, entry, creditsPerUsd)
  return c.json(pageOf(found, limit, { rowJson, cursorAfter: ({ entry }) => entryCursor(entry) }))
}

/** The key of an image, from its link or its key; the empty string if it is neither. */
function keyOfAddress(address: string): string {
  const path = URL.canParse(address) ? new URL(address).pathname : `/${address.replace(/^\//, '')}`
  return keyOfPath(path) ?? ''
}

const newestFirst = (a: Entry, b: Entry): number => b.started_ms - a.started_ms || (a.id < b.id ? 1 : -1)

/** Calls one team, or every team of the directory, and yields their values. Throws GatewayError. */
async function* ofTeams<T>(
  { env }: Context<App>,
  only: string | undefined,
  ask: (team: DurableObjectStub<Team>) => Promise<Result<T>>,
): AsyncGenerator<{ id: string; value: T }> {
  if (only !== undefined) {
    const answer = await askTeam(env, only, ask)
    if (!answer.ok) throw new GatewayError(answer.failure)
    return yield { id: only, value: answer.value }
  }
  for (let after = ''; ;) {
    const from = after
    const teams = await askDirectory(env, async (directory) => await directory.list(TEAMS_AT_ONCE, from))
    const answers = await Promise.all(teams.map(async ({ id }) => ({ id, answer: await askTeam(env, id, ask) })))
    for (const { id, answer } of answers) {
      if (answer.ok) yield { id, value: answer.value }
      // A missing team was deleted meanwhile.
      else if (answer.failure.code !== 'not_found') throw new GatewayError(answer.failure)
    }
    const last = teams.at(-1)
    if (!last) return
    after = last.id
  }
}
