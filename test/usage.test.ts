import { describe, expect, test, vi } from 'vitest'
import { errorOf, knock } from './support/gateway'
import { internet } from './support/internet'
import { ask, issue, operate, team, visit } from './support/teams'
import { upstreams } from './support/upstreams'

const { upstream } = upstreams()

interface Usage {
  limits: Record<string, unknown>[]
  totals: Record<string, number>
  team_totals: Record<string, number>
  data: Record<string, unknown>[]
}

const usageOf = async (key: string, query = ''): Promise<Usage> =>
  await (await visit(key, `/v1/usage${query}`)).json<Usage>()

const within2Percent =
  (ms: number) =>
  (shown: number): boolean =>
    Math.abs(shown - ms) <= 0.02 * ms

const costOf = (response: Response): number => Number(response.headers.get('x-cost-usd'))

/** Makes each upstream call take so long by the gateway's clock; the last value holds for all that follow. */
function upstreamTakes(...latenciesMs: number[]): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  let call = 0
  const handle = async (request: Request): Promise<Response> => {
    vi.setSystemTime(Date.now() + (latenciesMs[call++] ?? 0))
    return await upstream.handle(request)
  }
  internet({ 'api.openai.com': { handle } })
}

describe('the usage of a caller', () => {
  test("begins with the key's identity and the limits of the key and its team", async () => {
    await operate('POST', '/teams', { id: 'acme', name: 'Acme Inc.', plan: 'tier1', limits: { budget_usd: 1 } })
    const expires_at = new Date(Date.now() + 3_600_000).toISOString()
    const { id, key } = await issue('acme', { name: 'laptop', limits: { images_per_day: 9 }, expires_at })
    const cost = costOf(await ask(key, { n: 2 }))
    const resets_in_seconds = expect.any(Number)
    const budget = { max: 1, used: cost, remaining: expect.closeTo(1 - cost, 9) }
    expect(await usageOf(key)).toMatchObject({
      object: 'usage',
      team: { id: 'acme', name: 'Acme Inc.', plan: 'tier1' },
      key: { id, name: 'laptop', expires_at },
      limits: [
        { limit: 'images_per_day', scope: 'key', max: 9, used: 2, remaining: 7, resets_in_seconds },
        { limit: 'requests_per_minute', scope: 'team', max: 60, used: 1, remaining: 59, resets_in_seconds },
        { limit: 'concurrency', scope: 'team', max: 5, used: 0, remaining: 5, resets_in_seconds: null },
        { limit: 'budget_usd', scope: 'team', ...budget, resets_in_seconds },
      ],
    })
  })

  test.each(['x-goog-api-key', 'api-key'])('is shown to a key in %s as well', async (header) => {
    const { id, key } = await team('acme')
    const answer = await knock('/v1/usage', { headers: { [header]: key } })
    expect([answer.status, await answer.json()]).toMatchObject([200, { team: { id: 'acme' }, key: { id } }])
  })

  test('counts running generations', async () => {
    const { key } = await team('acme', { concurrency: 5, budget_usd: 1 })
    const answer = ask(key, { prompt: 'A cat @delay=200' })
    await vi.waitUntil(() => upstream.calls.length === 1)
    const [concurrency, budget] = (await usageOf(key)).limits
    expect(concurrency).toMatchObject({ used: 1, remaining: 4 })
    expect(Number(budget?.['used'])).toBeGreaterThanOrEqual(costOf(await answer))
  })

  test('is not counted as a request itself', async () => {
    const { key } = await team('acme', { requests_per_day: 2 })
    await usageOf(key)
    expect((await usageOf(key)).limits).toMatchObject([{ used: 0, remaining: 2 }])
  })

  test('has its own totals and those of its whole team', async () => {
    const { key } = await team('acme')
    const other = await issue('acme')
    const costs = [costOf(await ask(key)), costOf(await ask(other.key, { prompt: 'A dog', n: 2 }))]
    const { totals, team_totals, data } = await usageOf(other.key)
    expect(totals).toMatchObject({ requests: 1, generations: 1, images: 2, cost_usd: costs[1] })
    expect(team_totals).toMatchObject({ requests: 2, generations: 2, images: 3 })
    expect(team_totals['cost_usd']).toBeCloseTo((costs[0] ?? 0) + (costs[1] ?? 0), 6)
    expect(data).toMatchObject([{ key: other.id, model: 'gpt-image-2', upstream: 'openai', images: 2 }])
  })

  test('has rates, shares and means of all requests, and the savings by hits', async () => {
    const { key } = await team('acme')
    const cost = costOf(await ask(key))
    for (let asked = 0; asked < 2; asked++) await ask(key)
    await ask(key, { prompt: 'A cat @fault=500' })
    const totals = await vi.waitFor(async () => {
      const usage = await usageOf(key)
      expect(usage.totals['hits']).toBe(2)
      return usage.totals
    })
    expect(totals).toMatchObject({
      requests: 4,
      generations: 2,
      failures: 1,
      hits: 2,
      joins: 0,
      images: 1,
      unpriced: 0,
      success_rate: 0.75,
      cache_hit_share: 0.5,
      cost_usd: cost,
      mean_cost_usd: Math.round((cost * 1e6) / 4) / 1e6,
    })
    expect(totals['saved_usd']).toBeCloseTo(2 * cost, 6)
  })

  test('has the mean of latency, and its 95th percentile to 2 %', async () => {
    const { key } = await team('acme')
    upstreamTakes(...Array.from({ length: 18 }, () => 100), 900, 5300, 77_000)
    for (let index = 0; index < 20; index++) await ask(key, { prompt: `A cat ${index}` })
    const latency = { mean_latency_ms: 400, p95_latency_ms: expect.toSatisfy(within2Percent(900)) }
    expect((await usageOf(key)).totals).toMatchObject(latency)
    await ask(key, { prompt: 'A cat @fault=500' })
    expect((await usageOf(key)).totals).toMatchObject({ generations: 21, ...latency })
  })

  test('without requests has null for each rate and mean', async () => {
    const { key } = await team('acme')
    const { totals, data, limits } = await usageOf(key)
    expect([data, limits]).toEqual([[], []])
    expect(totals).toMatchObject({
      requests: 0,
      cost_usd: 0,
      saved_usd: 0,
      success_rate: null,
      cache_hit_share: null,
      mean_cost_usd: null,
      mean_latency_ms: null,
      p95_latency_ms: null,
    })
  })

  test('counts images of unknown price apart from free ones', async () => {
    const { key } = await team('acme')
    const response = await ask(key, { model: 'relay-1' })
    expect([response.status, response.headers.get('x-cost-usd')]).toEqual([200, null])
    expect((await usageOf(key)).totals).toMatchObject({ images: 1, cost_usd: 0, unpriced: 1 })
  })
})

describe('the period of a usage', () => {
  const NOON = Date.UTC(2027, 0, 31, 12)
  const DAY = 86_400_000

  test('is this month so far by default, and whole days (UTC)', async () => {
    const { key } = await team('acme')
    vi.useFakeTimers({ toFake: ['Date'] })
    for (const at of [NOON - 31 * DAY, NOON - 30 * DAY, NOON, NOON + DAY]) {
      vi.setSystemTime(at)
      await ask(key, { prompt: `at ${at}` })
    }
    const asked = async (query?: string): Promise<unknown> => {
      const { totals, data } = await usageOf(key, query)
      return [totals['requests'], data.map(({ day }) => day)]
    }
    expect(await asked()).toEqual([1, ['2027-02-01']])
    vi.setSystemTime(NOON)
    expect(await asked()).toEqual([2, ['2027-01-01', '2027-01-31']])
    expect(await asked('?from=2026-12-31')).toEqual([3, ['2026-12-31', '2027-01-01', '2027-01-31']])
    expect(await asked('?from=2026-12-31&to=2027-01-01')).toEqual([2, ['2026-12-31', '2027-01-01']])
    expect(await asked('?from=2027-02-01&to=2027-02-01')).toEqual([1, ['2027-02-01']])
    expect(await usageOf(key, '?from=2026-12-31')).toMatchObject({ period: { from: '2026-12-31', to: '2027-01-31' } })
  })

  test.each(['from=yesterday', 'from=2027-02-29', 'to=2027-1-1', 'from=', 'to=2027-01-01T00:00:00Z'])(
    '%s is refused',
    async (query) => {
      const { key } = await team('acme')
      const param = query.replace(/=.*/, '')
      expect(await errorOf(await visit(key, `/v1/usage?${query}`))).toMatchObject({ status: 400, param })
    },
  )
})
