import { evictAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import { limitStatus, used } from '../support/accounting'
import { ringTeam } from '../support/alarms'
import { at, NOON, orderOf, settle, settled } from '../support/orders'
import stored from '../support/stored-team.json'
import { operate } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

/** Stores the rows of a team as the release before orders were transitions left them. */
async function restore(): Promise<void> {
  await runInDurableObject(env.TEAMS.getByName('acme'), async (_, { storage }) => {
    for (const statement of stored.schema) storage.sql.exec(statement)
    for (const [table, rows] of Object.entries(stored.rows))
      for (const row of rows)
        storage.sql.exec(
          `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Array.from(Object.keys(row), () => '?').join(', ')})`,
          ...Object.values(row),
        )
    for (const [name, value] of Object.entries(stored.entries)) storage.kv.put(name, value)
    await storage.setAlarm(NOON + 1000)
  })
  await evictAllDurableObjects()
}

/** The turns that objects hear, with the code of a refusal. */
function heardTurns(): string[] {
  const heard: string[] = []
  const getByName = env.GENERATIONS.getByName.bind(env.GENERATIONS)
  vi.spyOn(env.GENERATIONS, 'getByName').mockImplementation((name) => {
    const turn = async (run: string, refusal: { code: string } | undefined): Promise<boolean> => {
      heard.push(`${run} ${refusal?.code ?? 'reserved'}`)
      return true
    }
    return new Proxy(getByName(name), { get: (stub, verb) => (verb === 'turn' ? turn : Reflect.get(stub, verb)) })
  })
  return heard
}

const limit = (concurrency: number): Promise<Response> =>
  operate('PATCH', '/teams/acme', { limits: { concurrency, images_per_day: 9, budget_usd: 1 } })
const state = async (): Promise<unknown> => ({
  money: await used('acme'),
  images: (await limitStatus('acme', 'images_per_day')).used,
  running: (await limitStatus('acme', 'concurrency')).used,
})

test('a team of an earlier release goes on: its reservations, meters, waiting orders and undelivered verdicts', async () => {
  at(NOON)
  await restore()
  const heard = heardTurns()
  const [one = ''] = stored.keys
  expect(await state()).toEqual({ money: 700 + 3 * 1000, images: 6, running: 3 })

  await ringTeam('acme')
  await vi.waitUntil(() => heard.length === 3)
  expect(heard.toSorted()).toEqual(['run_5 reserved', 'run_6 rate_limited', 'run_7 reserved'])

  const repeated = orderOf({ id: one, key: '' }, { id: 'run_8', generation: 'gen_8', images: 1 })
  expect(await env.TEAMS.getByName('acme').reserve(repeated, true)).toMatchObject({ ok: true, value: { instead: {} } })
  await limit(5)
  await vi.waitUntil(() => heard.length === 4)
  expect(await state()).toEqual({ money: 700 + 4 * 1000, images: 7, running: 4 })

  await settle(settled({ id: 'run_2' }))
  await vi.waitUntil(() => heard.length === 5)
  expect(heard.slice(3)).toEqual(['run_8 reserved', 'run_4 reserved'])
  expect(await state()).toEqual({ money: 2 * 700 + 4 * 1000, images: 8, running: 4 })

  for (const id of ['run_4', 'run_5', 'run_7', 'run_8']) await settle(settled({ id, images: [] }))
  expect(await state()).toEqual({ money: 6 * 700, images: 2, running: 0 })
  const queue = await runInDurableObject(env.TEAMS.getByName('acme'), (_, { storage }) =>
    storage.sql.exec('SELECT * FROM queue').toArray(),
  )
  expect(queue).toEqual([])
})
