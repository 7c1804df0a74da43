import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import recorded from './stored-rows.json'
import type { TestTeam } from '../support/teams'

/** The names of the generations that the release before the state machine stored, in what they were doing. */
export type Recorded = keyof typeof recorded

/** The moment of the recording, in ms since 1970, and the least number that is a moment. */
const [RECORDED_MS, FIRST_MS] = [1_796_049_080_000, 1_790_000_000_000]

/** The rows as they would be stored now. JSON has no undefined, so a text stands for it. */
export function revived(value: unknown, keys: Record<string, string> = {}): unknown {
  if (value === '__undefined__') return undefined
  if (typeof value === 'number' && value > FIRST_MS) return value - RECORDED_MS + Date.now()
  if (Array.isArray(value)) return value.map((each) => revived(each, keys))
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).map(([name, field]) => [name, revived(field, keys)])
  const row = Object.fromEntries(fields)
  return 'team' in row && 'key' in row ? { ...row, key: keys[String(row.team)] ?? row.key } : row
}

/** Stores the rows of a recorded generation for the keys of these teams. Returns its id. */
export async function storeRecorded(name: Recorded, teams: Record<string, Pick<TestTeam, 'id'>>): Promise<string> {
  const { id, rows } = recorded[name]
  const keys = Object.fromEntries(Object.entries(teams).map(([team, key]) => [team, key.id]))
  await runInDurableObject(env.GENERATIONS.getByName(id), (_, { storage }) => {
    for (const [key, row] of rows) if (typeof key === 'string') storage.kv.put(key, revived(row, keys))
  })
  return id
}
