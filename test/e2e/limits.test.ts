import { RateLimitError } from 'openai'
import { expect, test, vi } from 'vitest'
import type { Call } from '../support/fake-openai.ts'
import { full } from '../support/full.ts'
import { callsBeginning, mostAtOnce, spendingOf } from './support/money.ts'
import { limitStatus, usageOf } from './support/operator.ts'
import { counted, drippingBucket, expectLimitError, limitOf, rush } from './support/rush.ts'
import { served } from './support/served.ts'

// Requests above a limit get their refusal at once.
const running = served({ QUEUE_WAIT_SECONDS: '0' })

/** Requests at once; each limit below is far lower. */
const CROWD = full ? 500 : 120
/** A limit of requests a day, and requests at once. */
const [DAILY, DAILY_CROWD] = full ? [1000, 1500] : [200, 300]

const LOW = { model: 'gpt-image-2', quality: 'low', size: '1024x1024' } as const
/** $0.2107 each: a budget of $1.00 pays for four. */
const SQUARE = { ...LOW, quality: 'high' } as const
/** $0.1647 each: a budget of $1.00 pays for six. */
const WIDE = { ...SQUARE, size: '1536x1024' } as const

const callsFor = (prompt: string): Promise<Call[]> => callsBeginning(running.upstream, prompt)

test(`20 requests a minute admit 20 of ${CROWD} at once, and the others get a Retry-After`, async () => {
  const key = await running.operator.team('rate', { requests_per_minute: 20 })
  const mostLetIn = drippingBucket()
  const rushed = await rush(running.gateway.sdk({ apiKey: key }), CROWD, 'A gull', LOW)
  expect(rushed.made.length).toBeGreaterThanOrEqual(20)
  expect(rushed.made.length).toBeLessThanOrEqual(mostLetIn())
  expect(counted(rushed)).toEqual({ rate: CROWD - rushed.made.length })
  rushed.refused.forEach(expectLimitError)
  expect(await callsFor('A gull')).toHaveLength(rushed.made.length)
})

test(`a concurrency of 5 holds for ${CROWD} requests at once`, async () => {
  const key = await running.operator.team('crowd', { concurrency: 5 })
  const rushed = await rush(running.gateway.sdk({ apiKey: key }), CROWD, 'A heron @delay=8000', LOW)
  const calls = await callsFor('A heron')
  expect(mostAtOnce(calls)).toBe(5)
  expect(rushed.made).toHaveLength(calls.length)
  expect(counted(rushed)).toEqual({ concurrency: CROWD - calls.length })
  rushed.refused.forEach(expectLimitError)
  expect(limitStatus((await running.operator.read('crowd')).standings, 'concurrency').used).toBe(0)
})

test('a client that waits as Retry-After asks gets all of its images, 5 at a time', async () => {
  const key = await running.operator.team('queue', { concurrency: 5 })
  const client = running.gateway.sdk({ apiKey: key, maxRetries: 10 })
  const { made, refused } = await rush(client, 20, 'A stork @delay=2000', LOW)
  expect([made.length, refused.length]).toEqual([20, 0])
  expect(mostAtOnce(await callsFor('A stork'))).toBe(5)
})

test(`${CROWD} requests at once spend at most the budget, and later requests nothing`, async () => {
  const key = await running.operator.team('purse', { budget_usd: 1 })
  const client = running.gateway.sdk({ apiKey: key })
  const rushed = await rush(client, CROWD, 'A crane @delay=3000', SQUARE)
  expect(rushed.made).toHaveLength(4)
  // Late requests find the budget spent.
  const { budget = 0, ...early } = counted(rushed)
  expect(early).toEqual({ 'held budget': CROWD - 4 - budget })
  const later = await rush(client, 20, 'A later crane', SQUARE)
  expect(counted(later)).toEqual({ budget: 20 })
  for (const error of [...rushed.refused, ...later.refused]) expectLimitError(error)
  expect(await callsFor('A later crane')).toEqual([])

  const calls = await callsFor('A crane')
  const total = 4 * (7024 * 30 + Math.ceil('A crane @delay=3000 number 000'.length / 4) * 5)
  const all = await spendingOf(running, 'purse', key, calls)
  expect(all).toEqual({ usage: total, budget: total, audit: total, upstream: total })
  expect(total).toBeLessThanOrEqual(1_000_000)
})

test('the rest of a budget still pays for a cheaper picture', async () => {
  const key = await running.operator.team('rest', { budget_usd: 0.25 })
  const client = running.gateway.sdk({ apiKey: key })
  expect(counted(await rush(client, 1, 'A swan', SQUARE))).toEqual({})
  expect(counted(await rush(client, 1, 'A second swan', SQUARE))).toEqual({ budget: 1 })
  expect((await rush(client, 3, 'A small swan', LOW)).made).toHaveLength(3)
})

test(`each of a team's limits holds for ${CROWD} requests at once`, async () => {
  const key = await running.operator.team('all', { budget_usd: 1 }, 'free')
  const mostLetIn = drippingBucket()
  const rushed = await rush(running.gateway.sdk({ apiKey: key }), CROWD, 'A kite @delay=8000', WIDE)
  const { rate = 0, concurrency } = counted(rushed)
  expect(CROWD - rate).toBeGreaterThanOrEqual(20)
  expect(CROWD - rate).toBeLessThanOrEqual(mostLetIn())
  expect(limitStatus((await running.operator.read('all')).standings, 'requests_per_day').used).toBe(CROWD - rate)
  expect(concurrency).toBeGreaterThan(0)
  rushed.refused.forEach(expectLimitError)
  const calls = await callsFor('A kite')
  expect(mostAtOnce(calls)).toBe(5)
  expect(rushed.made).toHaveLength(calls.length)
  const { upstream, ...ours } = await spendingOf(running, 'all', key, calls)
  expect(Object.values(ours)).toEqual([upstream, upstream, upstream])
  expect(upstream).toBeLessThanOrEqual(1_000_000)
})

test(`${DAILY} requests a day admit at most ${DAILY} of ${DAILY_CROWD} cache hits at once`, async () => {
  const key = await running.operator.team('cached', { requests_per_day: DAILY })
  const client = running.gateway.sdk({ apiKey: key })
  const answers = Array.from({ length: DAILY_CROWD }, () =>
    client.images.generate({ ...LOW, prompt: 'A sea', response_format: 'url' }).then(
      () => undefined,
      (error: unknown) => error,
    ),
  )
  const errors = (await Promise.all(answers)).filter((error) => error !== undefined)
  for (const error of errors) {
    if (!(error instanceof RateLimitError)) throw error
    expect(limitOf(error)).toBe('day')
    expectLimitError(error)
  }
  const made = DAILY_CROWD - errors.length
  expect(made).toBeLessThanOrEqual(DAILY)
  await vi.waitFor(
    async () => {
      const { totals, limits } = await usageOf(running.gateway, key)
      expect(totals).toMatchObject({ requests: made, generations: 1 })
      expect(limitStatus(limits, 'requests_per_day').used).toBe(made)
    },
    { timeout: 60_000, interval: 200 },
  )
})
