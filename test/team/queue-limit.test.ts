import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import type { Order } from '../../src/ledger/entry'
import type { Team } from '../../src/team/team'
import { errorOf } from '../support/gateway'
import { holdTeam } from '../support/held-team'
import { cancel, job, startJob } from '../support/jobs'
import { HOUR, orderOf } from '../support/orders'
import { issue, operate, team } from '../support/teams'
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

describe('a full team', () => {
  const take = (order: Order): Promise<unknown> => env.TEAMS.getByName('acme').reserve(order, true)
  const above = { quote: 2_000_000 }

  test.each([
    ['a quote above the budget of the key', { budget_usd: 1 }, above, 'budget_exhausted'],
    ['a key without concurrency', { concurrency: 0 }, {}, 'rate_limited'],
    ['a key without images', { images_per_day: 0 }, {}, 'rate_limited'],
    ['a model that the key may not use', { models: ['gemini-*'] }, {}, 'forbidden_model'],
  ])('refuses %s at once, first and behind others', async (_, limits, more, code) => {
    const acme = await team('acme', { concurrency: 1 })
    const poor = await issue('acme', { limits })
    await take(orderOf(acme))
    const refused = (id: string): Order => orderOf(poor, { id, ...more })
    expect(await take(refused('run_2'))).toMatchObject({ ok: false, failure: { code } })
    expect(await queueSize(env.TEAMS.getByName('acme'))).toBe(0)
    const waiting = orderOf(acme, { id: 'run_3' })
    expect(await take(waiting)).toMatchObject({ ok: true, value: { instead: {} } })
    expect(await take(refused('run_4'))).toMatchObject({ ok: false, failure: { code } })
    expect(await queueSize(env.TEAMS.getByName('acme'))).toBe(JSON.stringify(waiting).length)
  })

  test('keeps an order in its queue if its budget falls below the quote', async () => {
    const acme = await team('acme', { concurrency: 1, budget_usd: 3 })
    await take(orderOf(acme))
    const waiting = orderOf(acme, { id: 'run_2', ...above })
    await take(waiting)
    await operate('PATCH', '/teams/acme', { limits: { concurrency: 1, budget_usd: 1 } })
    expect(await take(waiting)).toMatchObject({ ok: true, value: { instead: { code: 'concurrency_limited' } } })
  })
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
