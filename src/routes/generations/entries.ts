import type { Context } from 'hono'
import type { App } from '../../context'
import type { Cursor, Entry, EntryFilter } from '../../ledger/entry'
import { unwrap } from '../../failures/errors'
import { restSettled } from '../../generation/generations'
import { askTeam } from '../../team/ask-team'

/** A page of a team's ledger entries, newest first. Throws GatewayError. */
export const entriesOf = async (
  c: Context<App>,
  team: string,
  filter: EntryFilter,
  limit: number,
  after?: Cursor,
): Promise<Entry[]> => unwrap(await askTeam(c.env, team, async (stub) => await stub.page(filter, limit, after)))

/**
 * Waits for the settlement of a generation, if its team counts the last run as running. A client may hear before it.
 * Returns false without a reason to wait. Throws GatewayError.
 */
export async function waitForSettlement(c: Context<App>, team: string, generation: string): Promise<boolean> {
  const [newest] = await entriesOf(c, team, { generation }, 1)
  if (newest?.status !== 'running') return false
  await restSettled(c.env.GENERATIONS, generation)
  return true
}
