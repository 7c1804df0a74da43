import type { Context } from 'hono'
import * as z from 'zod'
import { checked } from '../failures/checked'
import type { App } from '../context'
import { unwrap } from '../failures/errors'
import type { Entry, EntryFilter, ListedEntries } from '../ledger/entry'
import { mergedPage } from '../ledger/page'
import { cursorOf, listJson, pageCursor, pageLimit } from '../wire/page'
import { keyOfPath, runOfKey } from '../store/images'
import { DAY_MS } from '../runtime/durations'
import { askTeam } from '../team/ask-team'
import { AUDIT_COLUMNS, auditJson, auditRow } from '../wire/json'
import { csv, CSV_HEADERS, csvRows } from '../wire/csv'
import { ofTeams } from './of-teams'

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
  format: z.enum(['json', 'csv']).default('json'),
})

interface AuditedEntry extends Entry {
  team: string
}

/**
 * `GET /admin/api/audit`: generations by image, generation, key or time, the newest first, as a page of JSON or all in
 * CSV. Throws GatewayError.
 */
export async function showAudit(c: Context<App>): Promise<Response> {
  const { team: only, limit, cursor: after, format, ...query } = checked(auditQuery, c.req.query())
  const generation = query.generation ?? (query.image && runOfKey(query.image)?.generation)
  const filter = { ...query, generation, deleted: true }
  if (format === 'csv') return await csvOf(c, only, filter)
  let found: ListedEntries<AuditedEntry> = { entries: [], next: undefined }
  for await (const { id, value } of ofTeams(c, only, async (team) => await team.page(filter, limit, after))) {
    const entries = value.entries.map((entry) => ({ ...entry, team: id }))
    found = mergedPage([found, { ...value, entries }], limit)
  }
  const { creditsPerUsd } = c.get('config')
  const rows = found.entries.map((entry) => auditJson(entry.team, entry, creditsPerUsd))
  return c.json(listJson(rows, found.next && cursorOf(found.next)))
}

/** The entries that an export reads at a time, of each of 50 teams. */
const EXPORTED_AT_ONCE = 250

/** All entries as CSV, team by team, which are read while they are sent. Throws GatewayError before the first of them. */
async function csvOf(c: Context<App>, only: string | undefined, filter: EntryFilter): Promise<Response> {
  const chunks = csvChunks(c, only, filter)
  let next = await chunks.next()
  const text = new ReadableStream<string>({
    pull: async (controller) => {
      if (next.done) return controller.close()
      controller.enqueue(next.value)
      next = await chunks.next()
    },
  })
  return c.body(text.pipeThrough(new TextEncoderStream()), 200, CSV_HEADERS)
}

async function* csvChunks(c: Context<App>, only: string | undefined, filter: EntryFilter): AsyncGenerator<string> {
  const { creditsPerUsd } = c.get('config')
  const rowsOf = (id: string, { entries }: ListedEntries): string =>
    csvRows(
      AUDIT_COLUMNS,
      entries.map((entry) => auditRow(id, entry, creditsPerUsd)),
    )
  let opening = csv(AUDIT_COLUMNS, [])
  for await (const { id, value } of ofTeams(c, only, async (team) => await team.page(filter, EXPORTED_AT_ONCE))) {
    yield opening + rowsOf(id, value)
    opening = ''
    for (let { next } = value; next;) {
      const after = next
      const page = unwrap(await askTeam(c.env, id, async (team) => await team.page(filter, EXPORTED_AT_ONCE, after)))
      yield rowsOf(id, page)
      next = page.next
    }
  }
  yield opening
}

/** The key of an image, from its link or its key; the empty string if it is neither. */
function keyOfAddress(address: string): string {
  const path = URL.canParse(address) ? new URL(address).pathname : `/${address.replace(/^\//, '')}`
  return keyOfPath(path) ?? ''
}
