import { beforeEach, describe, expect, test, vi } from 'vitest'
import { at, HOUR, NOON } from '../support/orders'
import { after, OTHER_HOOK, receivers, send, verified } from '../support/receiver'
import { ask, team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { deliveries, HOOK, webhook } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks, other } = receivers(upstream)

const MINUTE = 60_000
const PAUSES = [5000, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR]
/** The largest random factor of a pause. */
const JITTER = 1.2

let acme: TestTeam
beforeEach(async () => {
  // No event goes out by itself.
  at(NOON)
  acme = await team('acme')
})

/** Makes a picture with a URL for its event. */
const tell = (url = HOOK, headers: Record<string, string> = {}): Promise<Response> =>
  ask(acme.key, {}, { 'x-webhook-url': url, ...headers })

describe('an event', () => {
  test('answered twice with 500 arrives a third time, with the same id and body and a new signature', async () => {
    hooks.answer(500, 500, 200)
    await tell()
    for (const pauseMs of [0, ...PAUSES]) await after(pauseMs * JITTER)
    expect(hooks.got).toHaveLength(3)
    expect(new Set(hooks.ids).size).toBe(1)
    expect(new Set(hooks.got.map(({ body }) => body)).size).toBe(1)
    const { secret } = await webhook()
    for (const got of hooks.got) {
      vi.setSystemTime(Number(got.headers['webhook-timestamp']) * 1000)
      expect(verified(got, secret)).toBeTruthy()
    }
    expect((await deliveries()).data).toMatchObject([{ status: 'delivered', attempts: 3, last_status: 200 }])
  })

  test('is tried seven times with growing pauses, and then given up', async () => {
    hooks.answer(500)
    await tell()
    await send()
    for (const [index, pauseMs] of PAUSES.entries()) {
      await after(pauseMs - 1)
      expect(hooks.got).toHaveLength(index + 1)
      await after(pauseMs * (JITTER - 1) + 1)
      expect(hooks.got).toHaveLength(index + 2)
    }
    await after(24 * HOUR)
    expect(hooks.got).toHaveLength(7)
    expect((await deliveries()).data).toMatchObject([{ status: 'failed', attempts: 7, next_attempt_at: null }])
  })

  test.each([301, 302, 307, 308])('redirected by a %i is not sent there, and tried again', async (status) => {
    hooks.answer(() => new Response(null, { status, headers: { location: OTHER_HOOK } }), 200)
    await tell()
    await send()
    expect(other.got).toEqual([])
    expect((await deliveries()).data).toMatchObject([{ status: 'pending', last_status: status }])
    await after(5000 * JITTER)
    expect((await deliveries()).data).toMatchObject([{ status: 'delivered' }])
  })

  test.each([429, 502, 503, 504])('waits for as long as a %i asks', async (status) => {
    hooks.answer(() => new Response(null, { status, headers: { 'retry-after': '3600' } }), 200)
    await tell()
    await send()
    await after(HOUR - 1)
    expect(hooks.got).toHaveLength(1)
    await after(1)
    expect(hooks.got).toHaveLength(2)
  })

  test('for an unreachable receiver is tried again', async () => {
    hooks.answer(() => Promise.reject(new TypeError('connection refused')), 200)
    await tell()
    await send()
    await after(5000 * JITTER)
    expect((await deliveries()).data).toMatchObject([{ status: 'delivered', attempts: 2 }])
  })

  test('of a request is dropped after a 410; the next one is sent', async () => {
    hooks.answer(410, 200)
    await tell()
    await send()
    await after(24 * HOUR)
    expect(hooks.got).toHaveLength(1)
    expect((await deliveries()).data).toMatchObject([{ status: 'failed', last_status: 410 }])
    await tell()
    await send()
    expect(hooks.got).toHaveLength(2)
  })
})

describe('the failure of a receiver', () => {
  test('delays no other receiver', async () => {
    hooks.answer(500)
    await Promise.all([tell(HOOK), tell(OTHER_HOOK)])
    await send()
    expect([hooks.got.length, other.got.length]).toEqual([1, 1])
    await after(5000 * JITTER)
    expect([hooks.got.length, other.got.length]).toEqual([2, 1])
  })

  test('delays neither a generation nor another receiver when it is slow', async () => {
    const { promise, resolve } = Promise.withResolvers<Response>()
    hooks.answer(() => promise)
    vi.useRealTimers()
    acme = await team('beta')
    await tell(HOOK)
    await vi.waitUntil(() => hooks.got.length === 1)
    expect((await tell(OTHER_HOOK, { 'cache-control': 'no-cache' })).status).toBe(200)
    await vi.waitUntil(() => other.got.length === 1, 4000)
    resolve(new Response('ok'))
  })
})
