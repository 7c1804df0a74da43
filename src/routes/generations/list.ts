import type { Context } from 'hono'
import * as z from 'zod'
import { type App, linkOf } from '../../context'
import { authenticate } from '../../http/authenticate'
import { cursor, cursorAfter } from '../../ledger/entry'
import { snapshotOf } from '../../ledger/snapshot'
import { checked } from '../../refusals/checked'
import { generationJson } from '../../wire/json'
import { pageOf } from '../../wire/page'
import { entriesOf } from './entries'

const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  cursor: cursor.optional(),
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
  const told = (entry: (typeof entries)[number]): Record<string, unknown> =>
    generationJson(snapshotOf(entry), linkOf(c), creditsPerUsd)
  return c.json(pageOf(entries, limit, { told, cursorAfter }))
}
