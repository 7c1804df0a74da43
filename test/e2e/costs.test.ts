import { expect, test, vi } from 'vitest'
import { inMicroUsd, paid, quoteOf } from './support/money.ts'
import { limitStatus, usageOf } from './support/operator.ts'
import { served } from './support/served.ts'

const running = served()

const LOW = { model: 'gpt-image-2', quality: 'low', size: '1024x1024' } as const

interface Told {
  cache: string | null
  cost: string | null
}

/** Requests a picture, and reads cache and cost from its headers. */
async function costOf(key: string, prompt: string, asked: { n?: number } = {}): Promise<Told> {
  const client = running.gateway.sdk({ apiKey: key })
  const { response } = await client.images.generate({ ...LOW, ...asked, prompt }).withResponse()
  return { cache: response.headers.get('x-cache'), cost: response.headers.get('x-cost-usd') }
}

test("x-cost-usd equals the ledger's entry and the upstream's price", async () => {
  const key = await running.operator.team('told')
  for (const n of [1, 3]) {
    const prompt = `A barn for ${n}`
    const { cache, cost } = await costOf(key, prompt, { n })
    expect(cache).toBe('MISS')
    const [entry] = await running.operator.audit('told')
    expect(cost).toBe(entry?.cost_usd?.toFixed(6))
    expect(inMicroUsd(Number(cost))).toBe(paid(await running.upstream.callsFor(prompt)))
  }
})

test('partial success costs what arrived', async () => {
  const key = await running.operator.team('partial', { images_per_day: 4 })
  const prompt = 'A barn in part @pictures=2'
  const { cost } = await costOf(key, prompt, { n: 4 })
  expect(inMicroUsd(Number(cost))).toBe(paid(await running.upstream.callsFor(prompt)))
  const [entry] = await running.operator.audit('partial')
  expect(entry).toMatchObject({ status: 'succeeded', cost_usd: Number(cost) })
  expect(entry?.images).toHaveLength(2)
  expect(limitStatus((await running.operator.read('partial')).standings, 'images_per_day').used).toBe(2)
})

test('hits and joins cost nothing, count as requests, and need no budget', async () => {
  const price = 196 * 30 + 5 * 5
  const key = await running.operator.team('free-of-charge', { requests_per_day: 100, budget_usd: 0.006 })
  const prompt = 'A mill @delay=2000'
  const [both, hit] = [await Promise.all([1, 2].map(() => costOf(key, prompt))), await costOf(key, prompt)]
  const told = [...both, hit].toSorted((a, b) => String(b.cache).localeCompare(String(a.cache)))
  expect(told).toEqual([
    { cache: 'MISS', cost: (price / 1e6).toFixed(6) },
    { cache: 'JOINED', cost: '0.000000' },
    { cache: 'HIT', cost: '0.000000' },
  ])
  await vi.waitFor(async () => {
    const { totals, limits } = await usageOf(running.gateway, key)
    expect(totals).toMatchObject({ requests: 3, generations: 1, hits: 1, joins: 1 })
    expect([totals.cost_usd, totals.saved_usd].map(inMicroUsd)).toEqual([price, 2 * price])
    expect(limitStatus(limits, 'requests_per_day').used).toBe(3)
  })
  expect(await running.operator.audit('free-of-charge')).toHaveLength(1)
})

test('a failure costs nothing, and releases its reservation', async () => {
  const key = await running.operator.team('failing', { budget_usd: 0.01, images_per_day: 1 })
  for (const fault of ['500', 'moderation']) {
    await expect(costOf(key, `A ruin @fault=${fault}`)).rejects.toThrow()
  }
  const entries = await running.operator.audit('failing')
  expect(entries.map(({ status, cost_usd }) => [status, cost_usd])).toEqual([1, 2].map(() => ['failed', 0]))
  expect((await costOf(key, 'A house')).cache).toBe('MISS')
})

test('two answers that were cut are booked at their quotes', async () => {
  const key = await running.operator.team('lost', { budget_usd: 1 })
  const prompt = 'A ruin @fault=cut'
  await expect(costOf(key, prompt)).rejects.toThrow()
  expect(await running.upstream.callsFor(prompt)).toHaveLength(2)
  const [entry] = await running.operator.audit('lost')
  expect([entry?.status, inMicroUsd(entry?.cost_usd ?? 0)]).toEqual(['failed', 2 * quoteOf(prompt)])
  expect(inMicroUsd((await usageOf(running.gateway, key)).team_totals.cost_usd)).toBe(2 * quoteOf(prompt))
})
