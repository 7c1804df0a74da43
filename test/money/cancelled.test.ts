import { expect, test } from 'vitest'
import { audit, limitStatus, micro, sum, used } from '../support/accounting'
import { quoteOf } from '../support/billing-upstream'
import { ASYNC, called, cancel, type JobJson } from '../support/jobs'
import { ask, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const ATTEMPTS = 30
const PROMPT = 'A cat @delay=20000 at'

/** Begins and cancels jobs in turn. Returns the number of those that were taken on. */
async function attack(key: string): Promise<number> {
  let begun = 0
  for (let at = 10; at < 10 + ATTEMPTS; at++) {
    const response = await ask(key, { prompt: `${PROMPT} ${at}` }, ASYNC)
    if (response.status !== 202) continue
    const { id } = await response.json<JobJson>()
    begun += 1
    await called(upstream, begun)
    expect(await (await cancel(key, id)).json()).toMatchObject({
      status: 'cancelled',
      cost_usd: quoteOf(`${PROMPT} ${at}`) / 1e6,
      estimated_usd: quoteOf(`${PROMPT} ${at}`) / 1e6,
    })
  }
  return begun
}

test('jobs that are begun and cancelled cost their quotes, and stop at the budget', async () => {
  const { key } = await team('acme', { budget_usd: (5 * quoteOf(`${PROMPT} 10`)) / 1e6 })
  expect(await attack(key)).toBe(5)
  expect(upstream.calls).toHaveLength(5)
  expect(await used('acme')).toBe(5 * quoteOf(`${PROMPT} 10`))
  expect(sum((await audit('acme')).map(({ estimated_usd }) => micro(estimated_usd)))).toBe(await used('acme'))
})

test('their images count for the day, and stop at its limit', async () => {
  const { key } = await team('acme', { images_per_day: 2 })
  expect([await attack(key), upstream.calls.length]).toEqual([2, 2])
  expect((await limitStatus('acme', 'images_per_day')).used).toBe(2)
})
