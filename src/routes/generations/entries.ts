import type { Context } from 'hono'
import type { App } from '../../context'
import type { Cursor, EntryFilter, ListedEntries } from '../../ledger/entry'
import { unwrap } from '../../failures/errors'
import { askTeam } from '../../team/ask-team'

/** A page of a team's entries, the newest first. Throws GatewayError. */
export const entriesOf = async (
  c: Context<App>,
  team: string,
  filter: EntryFilter,
  limit: number,
  after?: Cursor,
): Promise<ListedEntries> => unwrap(await askTeam(c.env, team, async (stub) => await stub.page(filter, limit, after)))
