import { describe, expect, test, vi } from 'vitest'
import { price, quoteOf } from '../support/billing-upstream'
import { audit, micro, used } from '../support/accounting'
import { errorOf, knock } from '../support/gateway'
import { ASYNC, called, cancel, ended, job, type JobJson, jobState, jobWithStatus } from '../support/jobs'
import { askWith } from '../support/settings'
import { watchGenerations } from '../support/held-team'
import { ask, issue, stored, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

/** Keeps a request waiting until it is cancelled. */
const SLOW = { prompt: 'A cat @delay=20000' }

describe('a cancelled job', () => {
  test('that is queued ends before any upstream call, at no cost', async () => {
    const { key } = await team('acme', { concurrency: 1, budget_usd: 1 })
    const first = await job(key, { prompt: 'A dog @delay=300' })
    const id = await job(key)
    expect(await jobState(key, id)).toMatchObject({ status: 'queued', queued_before: 0 })
    const cancelled = await cancel(key, id)
    const told = { status: 'cancelled', cost_usd: 0, queued_before: null, error: { code: 'cancelled' } }
    expect([cancelled.status, await cancelled.json()]).toMatchObject([200, told])
    expect(await jobState(key, id)).toMatchObject(told)
    await ended(key, first)
    expect(upstream.calls).toHaveLength(1)
    expect(await used('acme')).toBe(price('A dog @delay=300'))
    expect(await audit('acme')).toHaveLength(1)
  })

  test('that runs aborts its upstream call, and pays for it since it may be billed', async () => {
    const { key } = await team('acme', { concurrency: 1, budget_usd: 1 })
    const id = await job(key, SLOW)
    await called(upstream, 1)
    expect(await used('acme')).toBeGreaterThan(0)
    const cancelled = await cancel(key, id)
    const cost = quoteOf(SLOW.prompt)
    const told = { status: 'cancelled', cost_usd: cost / 1e6, estimated_usd: cost / 1e6 }
    expect([cancelled.status, await cancelled.json()]).toMatchObject([200, told])
    expect(upstream.calls).toMatchObject([{ outcome: 'aborted' }])
    expect([await used('acme'), await stored()]).toEqual([cost, 0])
    expect(await audit('acme')).toMatchObject([{ id, error: 'cancelled', ...told }])
    expect((await ask(key)).status).toBe(200)
  })

  test.each([
    ['succeeded', 'A cat'],
    ['failed', 'A cat @fault=500'],
  ])('that has %s stays as it is, with a 409', async (status, prompt) => {
    const { key } = await team('acme', { budget_usd: 1 })
    const id = await job(key, { prompt })
    const before = await ended(key, id)
    const refused = await cancel(key, id)
    expect([refused.headers.get('x-should-retry'), await errorOf(refused)]).toMatchObject(['false', { status: 409 }])
    expect(before.status).toBe(status)
    expect(await jobState(key, id)).toMatchObject({ status, cost_usd: before.cost_usd })
  })

  test('repeats its answer to a second cancellation', async () => {
    const { key } = await team('acme')
    const id = await job(key, SLOW)
    const { status, cost_usd, ended_at } = await (await cancel(key, id)).json<JobJson>()
    const again = await cancel(key, id)
    expect([again.status, await again.json()]).toMatchObject([200, { status, cost_usd, ended_at }])
  })

  test('with a picture made keeps the picture and pays for it', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const prompt = 'Two cats @fault=silence-second'
    const id = await job(key, { prompt, n: 2 })
    await vi.waitUntil(async () => (await stored()) === 1)
    const told = await (await cancel(key, id)).json<JobJson>()
    expect(told).toMatchObject({ status: 'cancelled', images: [{}] })
    expect(micro(told.cost_usd)).toBeGreaterThanOrEqual(price('', 1))
    expect(await used('acme')).toBe(micro(told.cost_usd))
    expect(await audit('acme')).toMatchObject([{ status: 'cancelled', images: [expect.any(String)] }])
    expect((await knock(told.images[0]?.url ?? '')).status).toBe(200)
    expect((await jobState(key, id)).images).toHaveLength(1)
  })

  test('leaves a new request of the same image unaffected', async () => {
    const { key } = await team('acme')
    await cancel(key, await job(key, { prompt: 'A cat @delay=100' }))
    expect((await ask(key, { prompt: 'A cat @delay=100' })).status).toBe(200)
  })

  test('ends the other requests of its team for the same image', async () => {
    const { key } = await team('acme')
    const other = await issue('acme')
    const waiting = ask(other.key, SLOW)
    await called(upstream, 1)
    const id = await job(key, SLOW)
    expect((await cancel(key, id)).status).toBe(200)
    expect(await errorOf(await waiting)).toMatchObject({ status: 499 })
    expect(upstream.calls).toMatchObject([{ outcome: 'aborted' }])
  })
})

describe('the cancellation of a request without a job', () => {
  test('answers the waiting request with a 499', async () => {
    const { key } = await team('acme')
    const waiting = ask(key, SLOW)
    await called(upstream, 1)
    const id = (await audit('acme'))[0]?.id ?? ''
    expect((await cancel(key, id)).status).toBe(200)
    const refused = await waiting
    expect([refused.headers.get('x-should-retry'), await errorOf(refused)]).toMatchObject(['false', { status: 499 }])
    expect(await jobState(key, id)).toMatchObject({ status: 'cancelled', cost_usd: quoteOf(SLOW.prompt) / 1e6 })
  })

  test('ends a queued one with a 499 too', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const first = await job(key, SLOW)
    const asked = watchGenerations()
    const waiting = ask(key, {}, { prefer: 'wait=20' })
    const id = await vi.waitUntil(() => asked.at(-1))
    await jobWithStatus(key, id, 'queued')
    expect((await cancel(key, id)).status).toBe(200)
    expect(await errorOf(await waiting)).toMatchObject({ status: 499 })
    await cancel(key, first)
  })
})

describe('the cancellation of a run that teams share', () => {
  const shared = { CACHE_SCOPE: 'shared' }
  const body = { prompt: 'A cat @delay=400' }

  test('by the payer starts a new run, which the others pay', async () => {
    const [payer, other] = [await team('acme', { budget_usd: 1 }), await team('other', { budget_usd: 1 })]
    const begun = await askWith(shared, payer.key, body, ASYNC)
    const { id } = await begun.json<JobJson>()
    await called(upstream, 1)
    await askWith(shared, other.key, body, ASYNC)
    const waiting = askWith(shared, other.key, body)
    expect((await cancel(payer.key, id)).status).toBe(200)
    expect(await ended(other.key, id)).toMatchObject({ status: 'succeeded', result: { data: [{}] } })
    expect((await waiting).status).toBe(200)
    const cost = quoteOf(body.prompt)
    expect(await jobState(payer.key, id)).toMatchObject({ status: 'cancelled', cost_usd: cost / 1e6 })
    expect([await used('acme'), await used('other')]).toEqual([cost, price(body.prompt)])
    expect(upstream.calls).toHaveLength(2)
  })

  test('by a team that joined leaves the run to its payer', async () => {
    const [payer, other] = [await team('acme', { budget_usd: 1 }), await team('other', { budget_usd: 1 })]
    const waiting = askWith(shared, payer.key, body)
    await called(upstream, 1)
    const joined = await askWith(shared, other.key, body, ASYNC)
    const { id } = await joined.json<JobJson>()
    const cancelled = await cancel(other.key, id)
    expect([cancelled.status, await cancelled.json()]).toMatchObject([200, { status: 'cancelled', cost_usd: 0 }])
    expect((await waiting).status).toBe(200)
    expect(await jobState(other.key, id)).toMatchObject({ status: 'cancelled', result: null })
    expect([await used('acme'), await used('other')]).toEqual([price(body.prompt), 0])
    expect(upstream.calls).toHaveLength(1)
  })
})
