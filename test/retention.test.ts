import { beforeEach, expect, test, vi } from 'vitest'
import { settings } from './support/settings'
import { ask, team } from './support/teams'
import { upstreams } from './support/upstreams'

settings({ IMAGE_RETENTION_DAYS: 1, CACHE_TTL_SECONDS: 86_400 })

const { upstream } = upstreams()

const HOUR = 3_600_000
const START = Date.now()

/** Sets the clock to so many hours after the start. */
const at = (hours: number): unknown => vi.setSystemTime(START + hours * HOUR)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START })
})

test('an answer is given again only while its images stay for an hour and more', async () => {
  const { key } = await team('acme')
  const caches: (string | null)[] = []
  for (const hours of [0, 21.9, 22.1, 43, 44.2]) {
    at(hours)
    caches.push((await ask(key)).headers.get('x-cache'))
  }
  expect(caches).toEqual(['MISS', 'HIT', 'MISS', 'HIT', 'MISS'])
})

test('a retry by an Idempotency-Key finds its own images for as long as the key holds', async () => {
  const { key } = await team('acme')
  const again = { 'idempotency-key': 'once' }
  await ask(key, {}, again)
  at(23.9)
  expect((await ask(key, {}, again)).headers.get('idempotent-replayed')).toBe('true')
  expect(upstream.calls).toHaveLength(1)
})

test('a retry of a request that a stored answer served is made when its images are gone', async () => {
  const { key } = await team('acme')
  await ask(key)
  at(20)
  await ask(key, {}, { 'idempotency-key': 'later' })
  at(25)
  expect((await ask(key, {}, { 'idempotency-key': 'later' })).status).toBe(200)
  expect(upstream.calls).toHaveLength(2)
})
