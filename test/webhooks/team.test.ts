import { beforeEach, describe, expect, test, vi } from 'vitest'
import { ringTeam } from '../support/alarms'
import { at, HOUR, NOON } from '../support/orders'
import { askWith } from '../support/settings'
import { after, OTHER_HOOK, receivers, send, verified } from '../support/receiver'
import { ask, issue, operate, team, type TestTeam, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { deliveries, HOOK, webhook, type WebhookJson } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks, other } = receivers(upstream)

const [COMPLETED, FAILED] = ['image.generation.completed', 'image.generation.failed']

const set = (id: string, url = HOOK): Promise<Response> => operate('PUT', `/teams/${id}/webhook`, { url })

let acme: TestTeam
beforeEach(async () => {
  // No event goes out by itself.
  at(NOON)
  acme = await team('acme')
  await set('acme')
})

const JOB = { prefer: 'respond-async' }
const SHARED = { CACHE_SCOPE: 'shared' }
const upstreamCalled = (): Promise<boolean> => vi.waitUntil(() => upstream.calls.length === 1)

describe('the webhook of a team', () => {
  test.each([
    ['whole', {}, {}],
    ['streamed', { stream: true }, {}],
    ['uncached', {}, { 'cache-control': 'no-store' }],
  ])('gets one event of a paid run that was %s', async (_, body, headers) => {
    const { key } = await issue('acme')
    await (await ask(key, body, headers)).text()
    await send()
    expect(hooks.types).toEqual([COMPLETED])
    expect(verified(hooks.last, (await webhook()).secret)).toEqual(hooks.events[0])
  })

  test('gets an event of a failure', async () => {
    await ask(acme.key, { prompt: 'A cat @fault=500' })
    await send()
    expect(hooks.types).toEqual([FAILED])
  })

  test('gets one event of a job, and one of a repeated job from the cache', async () => {
    await ask(acme.key, {}, JOB)
    await (await ask(acme.key)).text()
    await send()
    expect(hooks.types).toEqual([COMPLETED])
    await ask(acme.key, {}, JOB)
    await send()
    expect(hooks.types).toEqual([COMPLETED, COMPLETED])
    expect(new Set(hooks.ids).size).toBe(2)
    expect(hooks.events.map(({ data }) => data.cost_usd === 0)).toEqual([false, true])
  })

  test('gets one event of a cancelled job', async () => {
    const job = await ask(acme.key, { prompt: 'A cat @delay=5000' }, JOB)
    await upstreamCalled()
    await visit(acme.key, `${job.headers.get('location')}/cancel`, 'POST')
    await send()
    expect(hooks.types).toEqual(['image.generation.cancelled'])
  })

  test('gets no event of a hit for a waiting request', async () => {
    await ask(acme.key)
    await ask(acme.key)
    await send()
    expect(hooks.types).toEqual([COMPLETED])
  })

  test("gets an event of a job that joined another team's run, at no cost", async () => {
    const beta = await team('beta')
    await set('beta', OTHER_HOOK)
    const body = { prompt: 'A cat @delay=300' }
    const paid = askWith(SHARED, acme.key, body)
    await upstreamCalled()
    expect((await askWith(SHARED, beta.key, body, JOB)).status).toBe(202)
    await paid
    await send()
    expect([hooks.types, other.types]).toEqual([[COMPLETED], [COMPLETED]])
    expect([hooks.events[0]?.data.cost_usd, other.events[0]?.data.cost_usd]).toEqual([expect.any(Number), 0])
    expect(hooks.events[0]?.data.cost_usd).toBeGreaterThan(0)
    const { secret } = await (await operate('GET', '/teams/beta/webhook')).json<WebhookJson>()
    expect(verified(other.last, secret)).toBeTruthy()
    expect(() => verified(hooks.last, secret)).toThrow('No matching')
  })

  test("gets an event of its cancelled share in another team's run, and the other team gets none", async () => {
    const beta = await team('beta')
    await set('beta', OTHER_HOOK)
    const body = { prompt: 'A cat @delay=300' }
    const paid = askWith(SHARED, acme.key, body)
    await upstreamCalled()
    const job = await askWith(SHARED, beta.key, body, JOB)
    await visit(beta.key, `${job.headers.get('location')}/cancel`, 'POST')
    await paid
    await send()
    expect([hooks.types, other.types]).toEqual([[COMPLETED], ['image.generation.cancelled']])
  })

  test('gets nothing after a 410, until it is set again', async () => {
    hooks.answer(410, 200)
    await ask(acme.key)
    await send()
    expect(await webhook()).toMatchObject({ disabled_at: new Date(Date.now()).toISOString() })
    await ask(acme.key, { prompt: 'A dog' })
    await after(24 * HOUR)
    expect(hooks.got).toHaveLength(1)
    await set('acme')
    await ask(acme.key, { prompt: 'A bird' })
    await send()
    expect(hooks.events.map(({ data }) => data.prompt)).toEqual(['A cat', 'A bird'])
  })

  test('gets after a change the events that its predecessor did not take', async () => {
    hooks.answer(500)
    await ask(acme.key)
    await send()
    await set('acme', OTHER_HOOK)
    await after(6000)
    expect([hooks.got.length, other.types]).toEqual([1, [COMPLETED]])
    expect(other.ids).toEqual(hooks.ids)
  })

  test('gets nothing after its removal, and its pending events count as failed', async () => {
    hooks.answer(500)
    await ask(acme.key)
    await send()
    await operate('DELETE', '/teams/acme/webhook')
    await after(6000)
    expect(hooks.got).toHaveLength(1)
    expect((await deliveries()).data).toMatchObject([{ status: 'failed', attempts: 1, next_attempt_at: null }])
  })
})

describe('an event of a deleted team', () => {
  const url = { 'x-webhook-url': OTHER_HOOK }

  test('is not sent', async () => {
    await ask(acme.key, {}, url)
    await operate('DELETE', '/teams/acme')
    await after(24 * HOUR)
    expect([hooks.got, other.got]).toEqual([[], []])
  })

  test.each([
    ['its generation has ended before', ''],
    ['its generation is still under way', ' @delay=1500'],
  ])('is not sent in the name of a new team of its id, if %s', async (_, marker) => {
    const gone = ask(acme.key, { prompt: `A cat${marker}` }, url)
    await (marker ? upstreamCalled() : gone)
    await operate('DELETE', '/teams/acme')
    await ringTeam('acme')
    vi.setSystemTime(NOON + 1000)
    await team('acme')
    await set('acme')
    await gone
    await after(24 * HOUR)
    expect([hooks.got, other.got]).toEqual([[], []])
    expect((await deliveries()).data).toEqual([])
  })
})
