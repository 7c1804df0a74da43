import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import type { Team } from '../../src/team/team'
import { errorOf } from '../support/gateway'
import { holdTeam } from '../support/held-team'
import { cancel, job, startJob } from '../support/jobs'
import { HOUR, orderOf } from '../support/orders'
import { issue, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const ENDLESS = { prompt: 'A cat @delay=20000' }

/** The size of the rows in a team's queue, in characters. */
const queueSize = (team: DurableObjectStub<Team>): Promise<number> =>
  runInDurableObject(team, (_, { storage }) =>
    Number(storage.sql.exec('SELECT sum(length(task)) AS size FROM queue').one()['size'] ?? 0),
  )

/** The time until a generation's alarm, in ms. */
const alarmAfterMs = (id: string): Promise<number> =>
  runInDurableObject(env.GENERATIONS.getByName(id), async (_, { storage }) => {
    return ((await storage.getAlarm()) ?? 0) - Date.now()
  })

test.each([
  ['team', async () => await team('acme', { concurrency: 1, max_queued: 2 })],
  ['key', async () => (await team('acme', { concurrency: 1 }), await issue('acme', { limits: { max_queued: 2 } }))],
])('a full queue of a %s refuses the next job until a place is free', async (scope, make) => {
  const { key } = await make()
  const first = await job(key, ENDLESS)
  const second = await job(key, { prompt: 'second' })
  await job(key, { prompt: 'third' })
  const refused = await startJob(key, { prompt: 'fourth' })
  expect(refused.headers.get('retry-after')).not.toBeNull()
  expect(await errorOf(refused)).toMatchObject({
    status: 429,
    code: 'rate_limit_exceeded',
    message: `The queue of this ${scope} is full: 2 generations wait in it (max_queued). Send this one again when some of them have been made.`,
  })
  await cancel(key, second)
  await job(key, { prompt: 'fourth' })
  expect(upstream.calls).toHaveLength(1)
  await cancel(key, first)
})

test('a queue of 0 refuses a job by its concurrency', async () => {
  const { key } = await team('acme', { concurrency: 1, max_queued: 0 })
  const first = await job(key, ENDLESS)
  const refused = await errorOf(await startJob(key, { prompt: 'second' }))
  expect(refused).toMatchObject({ status: 429, message: expect.stringContaining('1 generations under way') })
  await cancel(key, first)
})

test('a team without the limit lets 1000 generations wait', async () => {
  const acme = await team('acme', { concurrency: 1 })
  const take = (id: string): Promise<unknown> => env.TEAMS.getByName('acme').reserve(orderOf(acme, { id }), true)
  await take('run_first')
  await runInDurableObject(env.TEAMS.getByName('acme'), (_, { storage }) => {
    for (let n = 1; n < 1000; n++)
      storage.sql.exec(
        'INSERT INTO queue (id, generation, key, task) VALUES (?, ?, ?, ?)',
        `run_${n}`,
        `gen_${n}`,
        acme.id,
        JSON.stringify(orderOf(acme, { id: `run_${n}` })),
      )
  })
  expect(await take('run_1000')).toMatchObject({ ok: true, value: { instead: { code: 'concurrency_limited' } } })
  expect(await take('run_1001')).toMatchObject({ ok: false, failure: { code: 'queue_full' } })
  expect(await take('run_1000')).toMatchObject({ ok: true })
})

test('a waiting job costs its team one short row, and no call within the hour', async () => {
  const { key } = await team('acme', { concurrency: 1 })
  const first = await job(key, ENDLESS)
  const stub = env.TEAMS.getByName('acme')
  const reserving = holdTeam('reserve')
  reserving.release()
  const ids = await Promise.all(
    Array.from({ length: 20 }, (_, index) => job(key, { prompt: `${index} ${'long '.repeat(6000)}` })),
  )
  expect(reserving.asked()).toBe(20)
  expect(await queueSize(stub)).toBeLessThan(20 * 1000)
  const dues = await Promise.all(ids.map(alarmAfterMs))
  expect(Math.min(...dues)).toBeGreaterThan(HOUR - 60_000)
  await cancel(key, first)
})
