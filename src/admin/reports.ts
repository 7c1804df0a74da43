import type { Context } from 'hono'
import * as z from 'zod'
import { checked } from '../refusals/checked'
import type { App } from '../context'
import { GatewayError, type Result } from '../runtime/errors'
import { pageOf } from '../wire/page'
import { keyOfPath, runOfKey } from '../store/images'
import { cursor, cursorAfter, type Entry } from '../ledger/entry'
import { DAY_MS } from '../runtime/durations'
import { periodOf } from '../wire/period'
import type { Team } from '../team/team'
import { askDirectory } from '../team/ask-directory'
import { askTeam } from '../team/ask-team'
import { EMPTY_USAGE_ROW, type UsageRow } from '../ledger/usage'
import { auditJson, usageJson } from '../wire/json'
import { csv } from '../wire/csv'

const usageQuery = z.object({
  team: z.string().optional(),
  key: z.string().optional(),
  format: z.enum(['json', 'csv']).default('json'),
})

/** `GET /admin/api/usage`: by team, day, key, model and upstream, as JSON or CSV. Throws GatewayError. */
export async function showUsage(c: Context<App>): Promise<Response> {
  const { team: only, key, format } = checked(usageQuery, c.req.query())
  const period = periodOf(c.req.query(), Date.now())
  const { creditsPerUsd } = c.get('config')
  const worded = (team: string, row: UsageRow): Record<string, unknown> => ({ team, ...usageJson(row, creditsPerUsd) })
  const rows: Record<string, unknown>[] = []
  for await (const { id, value } of ofTeams(c, only, async (team) => await team.usage({ ...period, key }))) {
    rows.push(...value.rows.map((row) => worded(id, row)))
  }
  if (format === 'json') return c.json({ object: 'list', period, data: rows })
  return c.body(csv(Object.keys(worded('', EMPTY_USAGE_ROW)), rows), 200, { 'content-type': 'text/csv; charset=utf-8' })
}

const time = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], 'Use a date such as 2027-01-31, or with its time and zone.')
  .transform((text) => ({ ms: Date.parse(text), isDay: !text.includes('T') }))

const auditQuery = z.object({
  team: z.string().optional(),
  generation: z.string().optional(),
  image: z.string().transform(keyOfAddress).refine(runOfKey, 'Use the link or the key of an image.').optional(),
  key: z.string().optional(),
  from: time.transform(({ ms }) => ms).optional(),
  // A day is meant to its end, as in the other reports.
  to: time.transform(({ ms, isDay }) => (isDay ? ms + DAY_MS : ms)).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: cursor.optional(),
})

interface Found {
  team: string
  entry: Entry
}

/** `GET /admin/api/audit`: generations by image, generation, key or time, the newest first. Throws GatewayError. */
export async function showAudit(c: Context<App>): Promise<Response> {
  const { team: only, limit, cursor: after, ...asked } = checked(auditQuery, c.req.query())
  const generation = asked.generation ?? (asked.image && runOfKey(asked.image)?.generation)
  const sought = { ...asked, generation, deleted: true }
  let found: Found[] = []
  for await (const { id, value } of ofTeams(c, only, async (team) => await team.page(sought, limit + 1, after))) {
    const all = [...found, ...value.map((entry) => ({ team: id, entry }))]
    found = all.toSorted((a, b) => newestFirst(a.entry, b.entry)).slice(0, limit + 1)
  }
  const { creditsPerUsd } = c.get('config')
  const told = ({ team, entry }: Found): Record<string, unknown> => auditJson(team, entry, creditsPerUsd)
  return c.json(pageOf(found, limit, { told, cursorAfter: ({ entry }) => cursorAfter(entry) }))
}

/** An image is named by its link, or by its key. */
function keyOfAddress(address: string): string {
  const path = URL.canParse(address) ? new URL(address).pathname : `/${address.replace(/^\//, '')}`
  return keyOfPath(path) ?? ''
}

const newestFirst = (a: Entry, b: Entry): number => b.started_ms - a.started_ms || (a.id < b.id ? 1 : -1)

/** As many teams as are asked at the same time. */
const AT_ONCE = 50

/** Asks one team, or each there is, for something that it has. Throws GatewayError where there is no such team. */
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
    const teams = await askDirectory(env, async (directory) => await directory.list(AT_ONCE, from))
    const answers = await Promise.all(teams.map(async ({ id }) => ({ id, answer: await askTeam(env, id, ask) })))
    // One that was deleted meanwhile has nothing any more.
    for (const { id, answer } of answers) if (answer.ok) yield { id, value: answer.value }
    const last = teams.at(-1)
    if (!last) return
    after = last.id
  }
}
