import type { Context } from 'hono'
import * as z from 'zod'
import { type App, linkOf } from '../../context'
import { authenticate } from '../../http/authenticate'
import type { Entry } from '../../ledger/entry'
import { snapshotOf } from '../../ledger/snapshot'
import { checked } from '../../failures/checked'
import { generationJson } from '../../wire/json'
import { entryCursor, pageCursor, pageLimit, pageOf } from '../../wire/page'
import { entriesOf } from './entries'

const listQuery = z.object({
  limit: pageLimit(100, 20),
  cursor: pageCursor.optional(),
  key: z.string().optional(),
})

/**
 * `GET /v1/generations`: the team's generations, newest first, one page at a time. Each key of a team lists all of them.
 * Throws GatewayError.
 */
export async function listGenerations(c: Context<App>): Promise<Response> {
  const { team } = await authenticate(c)
  const { limit, cursor: after, key } = checked(listQuery, c.req.query())
  const entries = await entriesOf(c, team, { key, pictured: true }, limit + 1, after)
  const { creditsPerUsd } = c.get('config')
  const rowJson = (entry: Entry): Record<string, unknown> => generationJson(snapshotOf(entry), linkOf(c), creditsPerUsd)
  return c.json(pageOf(entries, limit, { rowJson, cursorAfter: entryCursor }))
}
