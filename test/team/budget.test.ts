import { describe, expect, test, vi } from 'vitest'
import { audit, generate, micro, ownUsage, sum, used } from '../support/accounting'
import { gated, price, quoteOf } from '../support/billing-upstream'
import { errorOf } from '../support/gateway'
import { issue, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const BUDGET = { budget_usd: 10 }

const PROMPTS = Array.from({ length: 100 }, (_, index) => `A cat with hat ${100 + index}`)
const QUOTE = quoteOf('A cat with hat 100')
const COST = price('A cat with hat 100')
/** The one picture of the request is delivered. */
const BILLED_AS_THREE = ' @pictures=3'

describe('a budget', () => {
  test('is not overspent by 100 requests at once, and retries use it up', async () => {
    const budget = 20 * QUOTE + 1
    const { key } = await team('acme', { budget_usd: budget / 1e6 })
    const seen: number[] = []
    const ask = async (prompt: string): Promise<number> => {
      const { status } = await generate(key, prompt)
      seen.push(await used('acme'))
      return status
    }
    const statuses = await Promise.all(PROMPTS.map(ask))
    expect(new Set(statuses)).toEqual(new Set([200, 429]))
    for (let more = 0; (await ask(`A cat in a hat ${100 + more}`)) === 200; more++);
    expect(Math.max(...seen)).toBeLessThanOrEqual(budget)
    expect(await used('acme')).toBeGreaterThan(budget - QUOTE)
    expect(await used('acme')).toBe(upstream.calls.length * COST)
  })

  test('is overspent at most by the low quotes of running generations', async () => {
    const budget = 10 * QUOTE
    const { key } = await team('acme', { budget_usd: budget / 1e6 })
    await Promise.all(PROMPTS.map((prompt) => generate(key, prompt + BILLED_AS_THREE)))
    const errors = (await audit('acme')).map(({ quote_error_usd }) => micro(quote_error_usd))
    expect(await used('acme')).toBeLessThanOrEqual(budget + sum(errors.filter((error) => error > 0)))
    expect(upstream.calls.length).toBeLessThanOrEqual(10)
  })

  test('is overspent at most by the last low quote in a sequence of requests', async () => {
    const budget = 10 * QUOTE
    const { key } = await team('acme', { budget_usd: budget / 1e6 })
    for (const prompt of PROMPTS.slice(0, 5)) await generate(key, prompt + BILLED_AS_THREE)
    const [last] = await audit('acme')
    expect(await used('acme')).toBeGreaterThan(budget)
    expect(await used('acme')).toBeLessThanOrEqual(budget + micro(last?.quote_error_usd))
    expect(upstream.calls).toHaveLength(4)
  })

  test("below a request's price refuses it without a retry when nothing is running", async () => {
    const { key } = await team('acme', { budget_usd: (QUOTE - 1) / 1e6 })
    const response = await generate(key, 'A cat with hat 100')
    expect([response.headers.get('x-should-retry'), response.headers.get('retry-after-ms')]).toEqual([
      'false',
      expect.stringMatching(/^\d+$/),
    ])
    expect(await errorOf(response)).toMatchObject({ status: 429, code: 'insufficient_quota' })
    expect([upstream.calls.length, await audit('acme')]).toEqual([0, []])
  })

  test("equal to a request's price allows one request", async () => {
    const { key } = await team('acme', { budget_usd: QUOTE / 1e6 })
    expect((await generate(key, 'A cat with hat 100')).status).toBe(200)
    expect((await generate(key, 'A cat with hat 101')).status).toBe(429)
    expect(await used('acme')).toBe(COST)
  })

  test('that is used up still allows hits', async () => {
    const { key } = await team('acme', { budget_usd: QUOTE / 1e6, images_per_day: 1, concurrency: 1 })
    const prompt = 'A cat with hat 100'
    const answers = await Promise.all(Array.from({ length: 5 }, () => generate(key, prompt)))
    expect([...answers, await generate(key, prompt)].map(({ status }) => status)).toEqual(Array(6).fill(200))
    expect(await used('acme')).toBe(COST)
  })

  test('that others hold asks for a retry, which is then made', async () => {
    const gate = gated(upstream)
    const { key } = await team('acme', { budget_usd: (QUOTE + COST) / 1e6 })
    const first = generate(key, 'A cat with hat 100')
    await vi.waitUntil(() => gate.held === 1)
    const refused = await generate(key, 'A cat with hat 101')
    expect([refused.headers.get('retry-after'), refused.headers.get('x-should-retry')]).toEqual(['2', null])
    expect(await errorOf(refused)).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
    gate.open()
    await first
    expect((await generate(key, 'A cat with hat 101')).status).toBe(200)
    expect(upstream.calls).toHaveLength(2)
  })

  test('of a key is bounded by that of its team', async () => {
    await team('acme', BUDGET)
    const { key } = await issue('acme', { limits: { budget_usd: QUOTE / 1e6 } })
    const statuses = await Promise.all(PROMPTS.slice(0, 10).map(async (prompt) => (await generate(key, prompt)).status))
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(upstream.calls).toHaveLength(1)
  })
})

describe('a model without a known price', () => {
  test('is refused to a key with a budget', async () => {
    const { key } = await team('acme', BUDGET)
    const response = await generate(key, 'A cat', { model: 'relay-1' })
    expect(response.headers.get('x-should-retry')).toBe('false')
    expect(await errorOf(response)).toMatchObject({ status: 403, param: 'model' })
    expect(await audit('acme')).toEqual([])
  })

  test('is served to a key without one, at an unknown cost', async () => {
    const { key } = await team('acme')
    const response = await generate(key, 'A cat', { model: 'relay-1' })
    expect([response.status, response.headers.get('x-cost-usd')]).toEqual([200, null])
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', cost_usd: null, quote_error_usd: null }])
    expect((await ownUsage(key)).totals).toMatchObject({ generations: 1, unpriced: 1, cost_usd: 0 })
  })
})
