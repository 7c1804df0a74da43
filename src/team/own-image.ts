import { unwrap } from '../failures/errors'
import { type Entry, keptKeysOf } from '../ledger/entry'
import { runOfKey } from '../store/images'
import { askTeam } from './ask-team'

/** The ledger's entry of an image that a team made and has not deleted. Throws GatewayError. */
export async function entryOfOwnImage(env: Pick<Env, 'TEAMS'>, team: string, key: string): Promise<Entry | undefined> {
  const generation = runOfKey(key)?.generation
  if (generation === undefined) return undefined
  const filter = { generation, image: key }
  const [entry] = unwrap(await askTeam(env, team, async (stub) => await stub.page(filter, 1)))
  return entry && keptKeysOf(entry).includes(key) ? entry : undefined
}
