import type { Context } from 'hono'
import * as z from 'zod'
import { type App, linkOf } from '../../context'
import { OwnTeam } from '../../http/own-team'
import type { Entry } from '../../ledger/entry'
import { snapshotOf } from '../../ledger/snapshot'
import { checked } from '../../failures/checked'
import { generationJson } from '../../wire/json'
import { cursorOf, listJson, pageCursor, pageLimit } from '../../wire/page'

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
  const team = OwnTeam.forList(c)
  const { limit, cursor: after, key } = await team.read(() => checked(listQuery, c.req.query()))
  const { entries, next } = await team.ask(async (stub, sent) => await stub.listAs(sent, { key }, limit, after))
  const { creditsPerUsd } = c.get('config')
  const rowJson = (entry: Entry): Record<string, unknown> => generationJson(snapshotOf(entry), linkOf(c), creditsPerUsd)
  return c.json(listJson(entries.map(rowJson), next && cursorOf(next)))
}
