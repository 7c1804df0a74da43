import { expect, test } from 'vitest'
import { audit, limitStatus, micro, ownUsage, sum, used } from '../support/accounting'
import { ASYNC, called, cancel, type JobJson } from '../support/jobs'
import { settings } from '../support/settings'
import { ask, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

/** The upstream's price of a picture in USD. */
const PRICE = 0.165
settings({
  UPSTREAMS: JSON.stringify([
    {
      name: 'openai',
      provider: 'openai',
      secret: 'UPSTREAM_KEY',
      models: ['gpt-image-2'],
      prices: { 'gpt-image-2': { image: PRICE } },
    },
  ]),
  DEMO_UPSTREAM: false,
})
const { upstream } = upstreams()

const JOBS = 30
const COST = { cost_usd: PRICE, estimated_usd: PRICE }

/** Begins and cancels jobs in turn. Returns the number of those that were taken on, and the codes of the refusals. */
async function attack(key: string): Promise<{ begun: number; refusals: Set<string | null | undefined> }> {
  const refusals = new Set<string | null | undefined>()
  let begun = 0
  for (let at = 0; at < JOBS; at++) {
    const response = await ask(key, { prompt: `A cat @delay=20000 at ${at}` }, ASYNC)
    const { id, error } = await response.json<JobJson>()
    if (response.status !== 202) {
      refusals.add(`${response.status} ${error?.code}`)
      continue
    }
    begun += 1
    await called(upstream, begun)
    expect(await (await cancel(key, id)).json()).toMatchObject({ status: 'cancelled', ...COST })
  }
  return { begun, refusals }
}

/** Expects the calls, the usage, the audit and the budget of so many begun jobs. */
async function expectBooked(key: string, begun: number): Promise<void> {
  expect(upstream.calls).toHaveLength(begun)
  expect((await ownUsage(key)).totals).toMatchObject({
    generations: begun,
    // Images are those that clients got.
    images: 0,
    cost_usd: begun * PRICE,
    estimated_usd: begun * PRICE,
  })
  const rows = await audit('acme')
  expect(sum(rows.map((row) => micro(row.cost_usd)))).toBe(begun * micro(PRICE))
  expect(sum(rows.map((row) => micro(row.estimated_usd)))).toBe(begun * micro(PRICE))
}

test('jobs that are begun and cancelled cost their quotes, and stop at the budget', async () => {
  const { key } = await team('acme', { budget_usd: 0.3 })
  expect(await attack(key)).toEqual({ begun: 1, refusals: new Set(['429 insufficient_quota']) })
  await expectBooked(key, 1)
  expect(await used('acme')).toBe(micro(PRICE))
})

test('their images count for the day, and stop at its limit', async () => {
  const { key } = await team('acme', { images_per_day: 2, budget_usd: 100 })
  expect(await attack(key)).toEqual({ begun: 2, refusals: new Set(['429 rate_limit_exceeded']) })
  await expectBooked(key, 2)
  expect((await limitStatus('acme', 'images_per_day')).used).toBe(2)
})
