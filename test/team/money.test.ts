import { describe, expect, test, vi } from 'vitest'
import { audit, generate, micro, ownUsage, limitStatus, used, type Sums } from '../support/accounting'
import { gated, price, quoteOf } from '../support/billing-upstream'
import { issue, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const costOf = (response: Response): number => micro(Number(response.headers.get('x-cost-usd')))

const BUDGET = { budget_usd: 10 }

describe('a generation', () => {
  test("holds its quote during the run and costs the upstream's usage", async () => {
    const gate = gated(upstream)
    const { key } = await team('acme', BUDGET)
    const answer = generate(key, 'A cat with a hat')
    await vi.waitUntil(() => gate.held === 1)
    expect(await used('acme')).toBe(quoteOf('A cat with a hat'))
    gate.open()
    expect(costOf(await answer)).toBe(price('A cat with a hat'))
    expect(await used('acme')).toBe(price('A cat with a hat'))
  })

  test('quoted as high and made as low costs the price of low', async () => {
    const { key } = await team('acme', BUDGET)
    await generate(key, 'A cat', { quality: 'auto' })
    expect(await audit('acme')).toMatchObject([{ cost_usd: price('A cat') / 1e6 }])
    const [{ reserved_usd, quote_error_usd } = { reserved_usd: 0, quote_error_usd: 0 }] = await audit('acme')
    expect(micro(reserved_usd)).toBeGreaterThan(200_000)
    expect(micro(quote_error_usd)).toBe(price('A cat') - micro(reserved_usd))
  })

  test.each(['500', '429', 'quota', 'moderation', 'html', 'error-inside'])(
    'that fails by @fault=%s costs nothing',
    async (fault) => {
      const { key } = await team('acme', { ...BUDGET, images_per_day: 10 })
      const response = await generate(key, `A cat @fault=${fault}`)
      expect(response.status).toBeGreaterThanOrEqual(400)
      expect(response.headers.get('x-cost-usd')).toBeNull()
      expect([await used('acme'), (await limitStatus('acme', 'images_per_day')).used]).toEqual([0, 0])
      expect(await audit('acme')).toMatchObject([{ status: 'failed', cost_usd: 0, images: [] }])
    },
  )

  test.each([
    ['cut', 2, { estimate: 2 * quoteOf('A cat @fault=cut') }],
    ['bad-base64', 2, { told: 2 * price('A cat @fault=bad-base64') }],
    ['not-an-image', 2, { told: 2 * price('A cat @fault=not-an-image') }],
    ['empty', 1, { told: price('A cat @fault=empty', 0) }],
  ])('that is lost by @fault=%s costs what may be billed for its calls: %i', async (fault, calls, due) => {
    const { estimate = 0, told = 0 }: { estimate?: number; told?: number } = due
    const { key } = await team('acme', { ...BUDGET, images_per_day: 10 })
    const response = await generate(key, `A cat @fault=${fault}`)
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([502, 'false'])
    expect([upstream.calls.length, await used('acme')]).toEqual([calls, estimate + told])
    expect((await limitStatus('acme', 'images_per_day')).used).toBe(0)
    const amounts = { cost_usd: (estimate + told) / 1e6, estimated_usd: estimate / 1e6 }
    expect(await audit('acme')).toMatchObject([{ status: 'failed', ...amounts, images: [] }])
    expect((await ownUsage(key)).totals).toMatchObject({ generations: 1, failures: 1, ...amounts })
  })

  test('with some of its images costs those images', async () => {
    const { key } = await team('acme', { ...BUDGET, images_per_day: 10 })
    const response = await generate(key, 'A cat @pictures=2', { n: 5 })
    expect([costOf(response), response.headers.get('x-adjusted')]).toEqual([price('A cat @pictures=2', 2), 'n=5>2'])
    expect(await used('acme')).toBe(price('A cat @pictures=2', 2))
    expect((await limitStatus('acme', 'images_per_day')).used).toBe(2)
    expect(await audit('acme')).toMatchObject([{ n: 5, images: [expect.any(String), expect.any(String)] }])
  })

  test('is paid by its first request; hits and joins are free, and counted', async () => {
    const gate = gated(upstream)
    const [first, second] = [await team('acme', BUDGET), await issue('acme')]
    const answers = [generate(first.key, 'A cat')]
    await vi.waitUntil(() => gate.held === 1)
    answers.push(generate(second.key, 'A cat'), generate(second.key, 'A cat'))
    await vi.waitUntil(async () => (await limitStatus('acme', 'budget_usd')).used > 0)
    gate.open()
    const costs = (await Promise.all(answers)).map(costOf)
    const hit = await generate(second.key, 'A cat')
    expect([...costs, costOf(hit), hit.headers.get('x-cache')]).toEqual([price('A cat'), 0, 0, 0, 'HIT'])
    const free = ({ hits, joins }: Sums): number => hits + joins
    await vi.waitUntil(async () => free((await ownUsage(second.key)).totals) === 3)
    expect((await ownUsage(first.key)).totals).toMatchObject({ generations: 1, hits: 0, joins: 0 })
    const { totals, team_totals } = await ownUsage(second.key)
    // The last request may find the picture stored.
    expect(totals).toMatchObject({ generations: 0, cost_usd: 0, saved_usd: (3 * price('A cat')) / 1e6 })
    expect(totals.hits).toBeGreaterThan(0)
    expect(micro(team_totals.cost_usd)).toBe(price('A cat'))
  })

  test('with its client gone is paid once, and free for the retry', async () => {
    const gate = gated(upstream)
    const { key } = await team('acme', BUDGET)
    const abort = new AbortController()
    const gone = generate(key, 'A cat', {}, { signal: abort.signal }).catch((error: unknown) => error)
    await vi.waitUntil(() => gate.held === 1)
    abort.abort()
    await gone
    const again = generate(key, 'A cat')
    gate.open()
    expect([costOf(await again), await used('acme'), upstream.calls.length]).toEqual([0, price('A cat'), 1])
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded' }])
  })
})
