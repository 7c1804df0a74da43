import { expect, test, vi } from 'vitest'
import { ask, issue, operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

test('the limit of a team holds for all of its keys together', async () => {
  const { key } = await team('acme', { requests_per_day: 3 })
  const other = await issue('acme')
  const statuses: number[] = []
  for (const each of [key, other.key, key, other.key]) statuses.push((await ask(each)).status)
  expect(statuses).toEqual([200, 200, 200, 429])
})

test('a request refused by a limit costs nothing and makes no upstream call', async () => {
  const { key } = await team('acme', { budget_usd: 0, images_per_day: 0, concurrency: 0 })
  const response = await ask(key)
  expect([response.status, response.headers.get('x-cost-usd')]).toEqual([429, null])
  expect(upstream.calls).toHaveLength(0)
})

test('a failure uses no images of the day and no budget', async () => {
  const { key } = await team('acme', { images_per_day: 1, budget_usd: 0.01 })
  expect((await ask(key, { prompt: 'A cat @fault=500' })).status).toBe(502)
  expect((await ask(key)).status).toBe(200)
})

test('hits use no images of the day, no budget and no concurrency', async () => {
  const { key, id } = await team('acme')
  await ask(key)
  const limits = { images_per_day: 0, budget_usd: 0, concurrency: 0 }
  await operate('PATCH', '/teams/acme', { limits })
  await operate('PATCH', `/teams/acme/keys/${id}`, { limits })
  const response = await ask(key)
  expect([response.status, response.headers.get('x-cache')]).toEqual([200, 'HIT'])
})

test('hits are requests like any other', async () => {
  const { key } = await team('acme', { requests_per_minute: 2 })
  expect([(await ask(key)).status, (await ask(key)).status, (await ask(key)).status]).toEqual([200, 200, 429])
})

test('days and months are those of UTC', async () => {
  const { key } = await team('acme', { requests_per_day: 2, budget_usd: 0.01 })
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2027, 0, 30, 23, 59, 59) })
  expect([(await ask(key)).status, (await ask(key, { prompt: 'A dog' })).status, (await ask(key)).status]).toEqual([
    200, 429, 429,
  ])
  vi.setSystemTime(Date.UTC(2027, 0, 31))
  expect([(await ask(key)).status, (await ask(key, { prompt: 'A dog' })).status]).toEqual([200, 429])
  vi.setSystemTime(Date.UTC(2027, 1, 1))
  expect((await ask(key, { prompt: 'A dog' })).status).toBe(200)
})
