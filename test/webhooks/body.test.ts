import { beforeEach, describe, expect, test, vi } from 'vitest'
import { knock, openai } from '../support/gateway'
import { at, HOUR, NOON } from '../support/orders'
import { after, type EventJson, receivers, send } from '../support/receiver'
import { ask, operate, team, type TestTeam, visit } from '../support/teams'
import { atRest } from '../support/objects'
import { upstreams } from '../support/upstreams'
import { HOOK } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks } = receivers(upstream)

let acme: TestTeam
beforeEach(async () => {
  // No event goes out by itself; and no link changes with the hour.
  at(NOON + 1000)
  acme = await team('acme')
})

/** The body of an event for the URL of a request. */
async function told(body: Record<string, unknown>, headers: Record<string, string> = {}): Promise<EventJson> {
  await (await ask(acme.key, body, { 'x-webhook-url': HOOK, ...headers })).text()
  await atRest()
  await vi.waitUntil(async () => {
    await send()
    return hooks.got.length > 0
  })
  const [event] = hooks.events
  if (!event) throw new Error('there is no event')
  return event
}

/** The fields of GET that describe the generation itself. */
async function shown(id: string): Promise<Record<string, unknown>> {
  const response = await visit(acme.key, `/v1/generations/${id}`)
  const { result: _, progress: __, queued_before: ___, ...rest } = await response.json<Record<string, unknown>>()
  return rest
}

const sizeOf = (): number => new TextEncoder().encode(hooks.last.body).length

describe('the body of an event', () => {
  test.each([
    ['a job', {}, { prefer: 'respond-async' }],
    ['a job that has failed', { prompt: 'A cat @fault=500' }, { prefer: 'respond-async' }],
    ['a job that was rejected', { prompt: 'A cat @fault=moderation' }, { prefer: 'respond-async' }],
    ['an answer', {}, {}],
  ])('is the generation as GET shows it after %s', async (_, body, headers) => {
    const event = await told(body, headers)
    expect(Object.keys(event)).toEqual(['type', 'timestamp', 'data'])
    expect(event.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    const times = { created_at: expect.any(String), started_at: expect.any(String), latency_ms: expect.any(Number) }
    // Its links last at least as long as its attempts.
    expect(event.data).toEqual({ ...(await shown(event.data.id)), ...times, images: expect.any(Array) })
  })

  test("of a failure has the reason in the words of its caller's answer", async () => {
    const failure: unknown = await openai({ apiKey: acme.key })
      .images.generate({ model: 'gpt-image-2', prompt: 'A cat @fault=moderation' })
      .catch((error: unknown) => error)
    const { data } = await told({ prompt: 'A cat @fault=moderation' })
    expect(data.error).toMatchObject({ code: 'content_rejected' })
    expect(failure).toMatchObject({ message: expect.stringContaining(data.error?.message ?? 'nothing') })
  })

  test('has links that show the images', async () => {
    const { data } = await told({ n: 3 })
    const responses = await Promise.all(data.images.map(({ url }) => knock(url)))
    expect(responses.map(({ status, headers }) => [status, headers.get('content-type')])).toEqual([
      [200, 'image/png'],
      [200, 'image/png'],
      [200, 'image/png'],
    ])
  })

  test('has links that show the images at the last attempt as well', async () => {
    hooks.answer(500)
    const { data } = await told({})
    for (const pauseMs of [0.01, 0.1, 0.6, 2.4, 6, 12]) await after(pauseMs * HOUR)
    expect(hooks.got).toHaveLength(7)
    expect((await knock(data.images[0]?.url ?? '')).status).toBe(200)
  })

  test.each([
    ['of plain letters', 'a'],
    ['in another script', '猫'],
    ['of pictures', '🐈'],
    ['with JSON escapes', '\u0001'],
  ])('is below 20 kB for ten images of the longest prompt %s', async (_, letter) => {
    const prompt = letter.repeat(32_000 / letter.length)
    const { data } = await told({ prompt, n: 10 })
    expect([data.images.length, data.prompt]).toEqual([10, prompt.slice(0, 500)])
    expect(sizeOf()).toBeLessThan(20_000)
  })

  test('is below 20 kB for a failure with many words', async () => {
    await told({ prompt: 'A cat @fault=leak' })
    expect(sizeOf()).toBeLessThan(20_000)
    expect(hooks.last.body).not.toContain('sk-upstream-secret')
  })

  test('has the cost for the payer', async () => {
    const response = await ask(acme.key, {}, { 'x-webhook-url': HOOK })
    await send()
    expect(hooks.events[0]?.data.cost_usd).toBe(Number(response.headers.get('x-cost-usd')))
    expect(hooks.events[0]?.data.cost_usd).toBeGreaterThan(0)
  })

  test('is the same for the URL of a request and the webhook of its team', async () => {
    await operate('PUT', '/teams/acme/webhook', { url: HOOK })
    await told({})
    expect(hooks.events[0]).toEqual(hooks.events[1])
  })
})
