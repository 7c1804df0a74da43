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

/** Asks for a picture and has its end told to a URL. */
async function tell(prompt: string, headers: Record<string, string> = {}): Promise<Response> {
  const response = await ask(acme.key, { prompt }, { 'x-webhook-url': HOOK, ...headers })
  await response.clone().text()
  return response
}

describe('the URL of a request', () => {
  test('is told once, in a way that the standardwebhooks package accepts', async () => {
    await tell('A cat')
    await send()
    await send()
    expect(hooks.got).toHaveLength(1)
    expect(verified(hooks.last, (await webhook()).secret)).toMatchObject({ type: COMPLETED })
  })

  test('is told in a way that the client of OpenAI unwraps', async () => {
    await tell('A cat')
    await send()
    const { headers, body } = hooks.last
    const { secret } = await webhook()
    expect(await openai().webhooks.unwrap(body, headers, secret)).toMatchObject({ type: COMPLETED })
  })

  test('is told of a failure, with what it cost: nothing', async () => {
    expect((await tell('A cat @fault=500')).status).toBe(502)
    await send()
    expect(hooks.types).toEqual(['image.generation.failed'])
    expect(hooks.events[0]?.data).toMatchObject({ status: 'failed', error: { code: 'upstream_failed' }, cost_usd: 0 })
  })

  test('is told of a cancellation', async () => {
    const job = await tell('A cat @delay=5000', { prefer: 'respond-async' })
    await vi.waitUntil(() => upstream.calls.length === 1)
    await visit(acme.key, `${job.headers.get('location')}/cancel`, 'POST')
    await send()
    expect(hooks.types).toEqual(['image.generation.cancelled'])
  })

  test.each([
    ['near by', async () => {}],
    ['kept by the generation', async (id: string) => await env.CACHE.delete(`records/${id}`)],
  ])('is told of a hit that was %s, once for each request', async (_, arrange) => {
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

  test('is told once of a run that several wait for', async () => {
    await Promise.all(Array.from({ length: 5 }, () => tell('A cat @delay=100')))
    await ask(acme.key, { prompt: 'A cat @delay=100' })
    await send()
    expect(hooks.types).toEqual([COMPLETED])
  })

  test('is told beside every other one of the same run', async () => {
    await Promise.all([tell('A cat @delay=100'), tell('A cat @delay=100', { 'x-webhook-url': OTHER_HOOK })])
    await send()
    expect([hooks.types, other.types]).toEqual([[COMPLETED], [COMPLETED]])
    expect(hooks.ids).not.toEqual(other.ids)
  })

  test('is told once when its request comes again by the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'once' }
    await tell('A cat', headers)
    await send()
    await tell('A cat', headers)
    await send()
    expect(hooks.got).toHaveLength(1)
  })

  test('is told of each of the failures, and of what comes after them, by the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'once' }
    for (const status of [502, 200, 200]) {
      expect((await tell('A cat @twice=500', headers)).status).toBe(status)
      await send()
    }
    expect(hooks.types).toEqual(['image.generation.failed', COMPLETED])
    expect(new Set(hooks.ids).size).toBe(2)
  })

  test('is told also when it is another than that with which its Idempotency-Key came before', async () => {
    const headers = { 'idempotency-key': 'once' }
    await tell('A cat', headers)
    await tell('A cat', { ...headers, 'x-webhook-url': OTHER_HOOK })
    await send()
    expect([hooks.types, other.types]).toEqual([[COMPLETED], [COMPLETED]])
  })

  test('is told what became of a job that asks again by the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'once', prefer: 'respond-async' }
    await Promise.all([tell('A cat @delay=100', headers), tell('A cat @delay=100', headers)])
    await vi.waitUntil(async () => (await env.IMAGES.list({ prefix: 'images/' })).objects.length === 1)
    await (await ask(acme.key, { prompt: 'A cat @delay=100' })).text()
    await send()
    expect(hooks.types).toEqual([COMPLETED])
  })

  test('is not told by a request that named none', async () => {
    await ask(acme.key)
    await send()
    expect([hooks.got, other.got]).toEqual([[], []])
  })

  test('is told even if its team has a webhook of its own that is at the same place', async () => {
    await operate('PUT', '/teams/acme/webhook', { url: HOOK })
    await tell('A cat')
    await send()
    expect(hooks.types).toEqual([COMPLETED, COMPLETED])
    expect(new Set(hooks.ids).size).toBe(2)
  })
})
