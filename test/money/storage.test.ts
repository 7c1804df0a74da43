import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { audit, generate, used } from '../support/accounting'
import { price } from '../support/billing-upstream'
import { holdLongTimers, UPSTREAM_MS } from '../support/long-timers'
import { settings } from '../support/settings'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { accountsOf } from '../support/watched-upstreams'

settings({ HEARTBEAT_AFTER_SECONDS: 0 })
const { upstream } = upstreams()

test('while storage takes no picture, one is bought at most, and its cost is in the audit', async () => {
  const { key } = await team('acme', { budget_usd: 1 })
  const down = vi.spyOn(env.IMAGES, 'put').mockRejectedValue(new Error('put: internal error (10001)'))
  const statuses: number[] = []
  for (const prompt of ['A cat', 'A dog', 'A cow', 'A hen']) statuses.push((await generate(key, prompt)).status)
  expect([statuses, upstream.calls.length]).toEqual([[503, 503, 503, 503], 1])
  expect(await used('acme')).toBe(price('A cat'))
  const [unbought] = await audit('acme')
  expect(unbought).toMatchObject({ status: 'failed', cost_usd: 0, attempts: 0 })
  down.mockRestore()
  expect((await generate(key, 'A fox')).status).toBe(200)
  expect(upstream.calls).toHaveLength(2)
})

test('a put that hangs is trouble of the storage and not of the upstream, and its picture is booked', async () => {
  const { key } = await team('acme', { budget_usd: 1 })
  const pass = holdLongTimers()
  const hanging = vi.spyOn(env.IMAGES, 'put').mockImplementation(() => new Promise<never>(() => {}))
  const answer = generate(key, 'A cat')
  for (const before of [0, 1]) {
    await vi.waitUntil(() => hanging.mock.calls.length > before)
    // The upstream's own time, and that of a put.
    pass(UPSTREAM_MS)
  }
  const { status, headers } = await answer
  expect([status, headers.get('x-should-retry'), upstream.calls.length]).toEqual([503, 'false', 1])
  expect([await used('acme'), (await audit('acme'))[0]?.error]).toEqual([price('A cat'), 'unavailable'])
  hanging.mockRestore()
  const next = await generate(key, 'A fox')
  expect([next.status, next.headers.get('x-upstream'), upstream.calls.length]).toEqual([200, 'openai', 2])
  expect(await accountsOf('openai')).toMatchObject([{ status: 'ready', in_use: 0 }])
})

test('a put that is slower than its upstream may be is repeated, and the picture is delivered', async () => {
  const { key } = await team('acme', { budget_usd: 1 })
  const pass = holdLongTimers()
  const slow = vi.spyOn(env.IMAGES, 'put').mockImplementationOnce(() => new Promise<never>(() => {}))
  const answer = generate(key, 'A cat')
  await vi.waitUntil(() => slow.mock.calls.length === 1)
  pass(UPSTREAM_MS)
  expect([(await answer).status, slow.mock.calls.length, upstream.calls.length]).toEqual([200, 2, 1])
  expect(await used('acme')).toBe(price('A cat'))
})

describe('a paid answer that cannot be read', () => {
  const asked = (key: string, headers: Record<string, string>): Promise<Response> =>
    generate(key, 'A cat', { response_format: 'b64_json' }, { headers })

  test('has no retry with no-cache', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    vi.spyOn(env.IMAGES, 'get').mockRejectedValue(new Error('get: internal error (10001)'))
    const { status, headers } = await asked(key, { 'cache-control': 'no-cache' })
    expect([status, headers.get('x-should-retry'), upstream.calls.length]).toEqual([503, 'false', 1])
  })

  test('is given to its retry with no-store', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const unreadable = vi.spyOn(env.IMAGES, 'get').mockRejectedValue(new Error('get: internal error (10001)'))
    const { status, headers } = await asked(key, { 'cache-control': 'no-store' })
    expect([status, headers.get('x-should-retry')]).toEqual([503, null])
    unreadable.mockRestore()
    const again = await asked(key, { 'cache-control': 'no-store', 'x-stainless-retry-count': '1' })
    expect([again.status, upstream.calls.length]).toEqual([200, 1])
  })
})
