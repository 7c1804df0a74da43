import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { openai } from '../support/gateway'
import { at, NOON } from '../support/orders'
import { OTHER_HOOK, receivers, send, verified } from '../support/receiver'
import { ask, operate, team, type TestTeam, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { HOOK, webhook } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks, other } = receivers(upstream)

const COMPLETED = 'image.generation.completed'

let acme: TestTeam
beforeEach(async () => {
  // No event goes out by itself.
  at(NOON)
  acme = await team('acme')
})

/** Requests a picture with a URL for its event. */
async function tell(prompt: string, headers: Record<string, string> = {}): Promise<Response> {
  const response = await ask(acme.key, { prompt }, { 'x-webhook-url': HOOK, ...headers })
  await response.clone().text()
  return response
}

describe('the URL of a request', () => {
  test('gets one event that the standardwebhooks package accepts', async () => {
    await tell('A cat')
    await send()
    await send()
    expect(hooks.got).toHaveLength(1)
    expect(verified(hooks.last, (await webhook()).secret)).toMatchObject({ type: COMPLETED })
  })

  test("gets an event that OpenAI's client unwraps", async () => {
    await tell('A cat')
    await send()
    const { headers, body } = hooks.last
    const { secret } = await webhook()
    expect(await openai().webhooks.unwrap(body, headers, secret)).toMatchObject({ type: COMPLETED })
  })

  test('gets an event of a failure, at a cost of zero', async () => {
    expect((await tell('A cat @fault=500')).status).toBe(502)
    await send()
    expect(hooks.types).toEqual(['image.generation.failed'])
    expect(hooks.events[0]?.data).toMatchObject({ status: 'failed', error: { code: 'upstream_failed' }, cost_usd: 0 })
  })

  test('gets an event of a cancellation', async () => {
    const job = await tell('A cat @delay=5000', { prefer: 'respond-async' })
    await vi.waitUntil(() => upstream.calls.length === 1)
    await visit(acme.key, `${job.headers.get('location')}/cancel`, 'POST')
    await send()
    expect(hooks.types).toEqual(['image.generation.cancelled'])
  })

  test.each([
    ['near by', async () => {}],
    ['kept by the generation', async (id: string) => await env.CACHE.delete(`records/${id}`)],
  ])('gets an event of a hit that was %s, once for each request', async (_, arrange) => {
    const made = await ask(acme.key)
    await made.text()
    await arrange(made.headers.get('x-generation-id') ?? '')
    for (const url of [HOOK, HOOK, OTHER_HOOK]) {
      const hit = await ask(acme.key, {}, { 'x-webhook-url': url })
      expect(hit.headers.get('x-cache')).toBe('HIT')
    }
    await send()
    expect([hooks.types, other.types]).toEqual([[COMPLETED, COMPLETED], [COMPLETED]])
    expect(new Set(hooks.ids).size).toBe(2)
    expect(hooks.events[0]?.data.cost_usd).toBe(0)
  })

  test('gets one event of a run with several waiting requests', async () => {
    await Promise.all(Array.from({ length: 5 }, () => tell('A cat @delay=100')))
    await ask(acme.key, { prompt: 'A cat @delay=100' })
    await send()
    expect(hooks.types).toEqual([COMPLETED])
  })

  test('gets an event beside each other URL of the same run', async () => {
    await Promise.all([tell('A cat @delay=100'), tell('A cat @delay=100', { 'x-webhook-url': OTHER_HOOK })])
    await send()
    expect([hooks.types, other.types]).toEqual([[COMPLETED], [COMPLETED]])
    expect(hooks.ids).not.toEqual(other.ids)
  })

  test('gets one event for repeated requests with one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'once' }
    await tell('A cat', headers)
    await send()
    await tell('A cat', headers)
    await send()
    expect(hooks.got).toHaveLength(1)
  })

  test('gets an event of each failure and of the success after it, with one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'once' }
    for (const status of [502, 200, 200]) {
      expect((await tell('A cat @twice=500', headers)).status).toBe(status)
      await send()
    }
    expect(hooks.types).toEqual(['image.generation.failed', COMPLETED])
    expect(new Set(hooks.ids).size).toBe(2)
  })

  test('gets one event of a kept refusal for repeated requests with one Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'once' }
    for (const seconds of [0, 1]) {
      at(NOON + seconds * 1000)
      expect((await tell('A cat @fault=moderation', headers)).status).toBe(400)
      await send()
    }
    expect(hooks.types).toEqual(['image.generation.failed'])
  })

  test('gets an event also if it differs from the first URL of its Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'once' }
    await tell('A cat', headers)
    await tell('A cat', { ...headers, 'x-webhook-url': OTHER_HOOK })
    await send()
    expect([hooks.types, other.types]).toEqual([[COMPLETED], [COMPLETED]])
  })

  test('gets the outcome of a job repeated with its Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'once', prefer: 'respond-async' }
    await Promise.all([tell('A cat @delay=100', headers), tell('A cat @delay=100', headers)])
    await vi.waitUntil(async () => (await env.IMAGES.list({ prefix: 'images/' })).objects.length === 1)
    await (await ask(acme.key, { prompt: 'A cat @delay=100' })).text()
    await send()
    expect(hooks.types).toEqual([COMPLETED])
  })

  test('gets no event of a request that named none', async () => {
    await ask(acme.key)
    await send()
    expect([hooks.got, other.got]).toEqual([[], []])
  })

  test("gets an event beside a team's webhook at the same URL", async () => {
    await operate('PUT', '/teams/acme/webhook', { url: HOOK })
    await tell('A cat')
    await send()
    expect(hooks.types).toEqual([COMPLETED, COMPLETED])
    expect(new Set(hooks.ids).size).toBe(2)
  })
})
