import { abortAllDurableObjects, evictAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations, ringTeam } from '../support/alarms'
import { audit, generate, ownUsage, limitStatus, used } from '../support/accounting'
import { quoteOf } from '../support/billing-upstream'
import { errorOf } from '../support/gateway'
import { at, NOON } from '../support/orders'
import { team } from '../support/teams'
import { trouble } from '../support/trouble'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const COST = 196 * 30 + 2 * 5
const LIMITS = { budget_usd: 10, images_per_day: 100, concurrency: 5 }

describe('a team unreachable for the reservation', () => {
  test('leads to no upstream call', async () => {
    const { key } = await team('acme', LIMITS)
    trouble('reserve')
    const response = await generate(key, 'A cat')
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await errorOf(response)).toMatchObject({ status: 503 })
    expect(upstream.calls).toEqual([])
  })

  test('is called again by the retry', async () => {
    const { key } = await team('acme', LIMITS)
    const told = trouble('reserve', 1)
    for (let tries = 0; tries < 3 && (await generate(key, 'A cat')).status !== 200; tries++);
    expect([told.failures, upstream.calls.length, await used('acme')]).toEqual([1, 1, COST])
  })

  test('that held the money without an answer releases it', async () => {
    const { key } = await team('acme', LIMITS)
    trouble('reserve', 1, 'after')
    await generate(key, 'A cat')
    await ringGenerations()
    expect(await audit('acme')).not.toContainEqual(expect.objectContaining({ status: 'running' }))
    expect(await used('acme')).toBe(upstream.calls.length * COST)
    expect((await limitStatus('acme', 'images_per_day')).used).toBe(upstream.calls.length)
  })
})

describe('a team unreachable for the settlement', () => {
  test('leaves the answer alone and gets the settlement from the alarm', async () => {
    const { key } = await team('acme', LIMITS)
    trouble('settle', 4)
    const response = await generate(key, 'A cat')
    expect([response.status, response.headers.get('x-cost-usd')]).toEqual([200, (COST / 1e6).toFixed(6)])
    expect(await audit('acme')).toMatchObject([{ status: 'running' }])
    await ringGenerations()
    expect(await audit('acme')).toMatchObject([{ status: 'running' }])
    await ringGenerations()
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded' }])
    await ringGenerations()
    expect([await used('acme'), (await ownUsage(key)).totals.generations]).toEqual([COST, 1])
  })

  test('that settled without an answer gets the settlement again, without effect', async () => {
    const { key } = await team('acme', LIMITS)
    const told = trouble('settle', 2, 'after')
    expect((await generate(key, 'A cat')).status).toBe(200)
    await ringGenerations()
    await ringGenerations()
    expect(told.failures).toBe(2)
    expect([await used('acme'), (await limitStatus('acme', 'images_per_day')).used]).toEqual([COST, 1])
  })

  test('gets the settlement in time, however many requests arrive', async () => {
    at(NOON)
    const { key } = await team('acme', LIMITS)
    const told = trouble('settle', 2)
    const id = (await generate(key, 'A cat')).headers.get('x-generation-id') ?? ''
    const due = (): Promise<number | null> =>
      runInDurableObject(env.GENERATIONS.getByName(id), (_, { storage }) => storage.getAlarm())
    const before = await due()
    at(NOON + 20_000)
    await generate(key, 'A cat', {}, { headers: { 'idempotency-key': 'one' } })
    expect([told.failures, before, await due()]).toEqual([2, NOON + 30_000, before])
  })

  test('releases the money of a failure later', async () => {
    const { key } = await team('acme', LIMITS)
    trouble('settle', 2)
    expect((await generate(key, 'A cat @fault=500')).status).toBe(502)
    expect(await used('acme')).toBeGreaterThan(0)
    await ringGenerations()
    expect(await used('acme')).toBe(0)
    expect(await audit('acme')).toMatchObject([{ status: 'failed' }])
  })
})

describe('a process that dies', () => {
  test('between the storing and the settlement of an image has it settled once', async () => {
    const { key } = await team('acme', LIMITS)
    const answer = generate(key, 'A cat @fault=silence-after-image')
    await vi.waitUntil(async () => (await env.IMAGES.list({ prefix: 'images/' })).objects.length === 1)
    await abortAllDurableObjects()
    expect((await answer).status).toBe(200)
    await ringGenerations()
    const [entry] = await audit('acme')
    expect(entry).toMatchObject({ status: 'succeeded', upstream: 'openai', upstream_request_id: expect.any(String) })
    expect([await used('acme'), upstream.calls.length]).toEqual([Math.round((entry?.reserved_usd ?? 0) * 1e6), 1])
  })

  test('during the settlement has it settled once', async () => {
    const { key } = await team('acme', LIMITS)
    const told = trouble('settle', 2)
    expect((await generate(key, 'A cat')).status).toBe(200)
    await abortAllDurableObjects()
    expect(told.failures).toBe(2)
    expect(await audit('acme')).toMatchObject([{ status: 'running' }])
    await ringGenerations()
    await ringGenerations()
    expect([await used('acme'), upstream.calls.length]).toEqual([COST, 1])
  })

  test('in the middle of a run has its money held once and spent once', async () => {
    const { key } = await team('acme', { ...LIMITS, concurrency: 1 })
    const answer = generate(key, 'A cat @delay=200')
    await vi.waitUntil(() => upstream.calls.length === 1)
    const held = await used('acme')
    await abortAllDurableObjects()
    await vi.waitUntil(() => upstream.calls.length === 2)
    expect(await used('acme')).toBe(held)
    expect((await answer).status).toBe(200)
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', images: [expect.any(String)] }])
  })

  test('twice in the same run costs its two calls, which may be billed', async () => {
    const { key } = await team('acme', LIMITS)
    const answer = generate(key, 'A cat @fault=silence')
    await vi.waitUntil(() => upstream.calls.length === 1)
    await abortAllDurableObjects()
    await vi.waitUntil(() => upstream.calls.length === 2)
    await abortAllDurableObjects()
    expect((await answer).status).toBe(503)
    await ringGenerations()
    const cost = 2 * quoteOf('A cat @fault=silence')
    const amounts = { cost_usd: cost / 1e6, estimated_usd: cost / 1e6 }
    expect(await audit('acme')).toMatchObject([{ status: 'failed', ...amounts, attempts: 2 }])
    expect([await used('acme'), (await limitStatus('acme', 'images_per_day')).used]).toEqual([cost, 0])
  })

  test('and then meets the revocation of its key holds no money but that of its call', async () => {
    const { id, key } = await team('acme', LIMITS)
    const answer = generate(key, 'A cat @fault=silence')
    await vi.waitUntil(() => upstream.calls.length === 1)
    await env.TEAMS.getByName('acme').revokeKey(id)
    await abortAllDurableObjects()
    expect((await answer).status).toBe(401)
    await ringGenerations()
    const cost = quoteOf('A cat @fault=silence')
    expect(await audit('acme')).toMatchObject([{ status: 'failed', cost_usd: cost / 1e6, estimated_usd: cost / 1e6 }])
    expect(await used('acme')).toBe(cost)
  })
})

describe('a team evicted from memory', () => {
  test('keeps the use of every limit', async () => {
    const { key } = await team('acme', {
      requests_per_minute: 3,
      requests_per_day: 3,
      images_per_day: 3,
      budget_usd: 1,
    })
    await generate(key, 'A cat')
    await evictAllDurableObjects()
    await generate(key, 'A dog', { n: 2 })
    await evictAllDurableObjects()
    expect((await limitStatus('acme', 'images_per_day')).remaining).toBe(0)
    expect((await limitStatus('acme', 'requests_per_minute')).remaining).toBe(1)
    expect((await limitStatus('acme', 'requests_per_day')).remaining).toBe(1)
    expect(await used('acme')).toBe(COST + 2 * 196 * 30 + 2 * 5)
    expect((await errorOf(await generate(key, 'A cow'))).message).toContain('3 images per day')
    expect((await errorOf(await generate(key, 'A cat'))).message).toContain('3 requests')
  })

  test('keeps its reservations, and rings its alarm', async () => {
    const { id } = await team('acme', LIMITS)
    const holdMs = 500
    const order = { id: 'run_1', generation: 'gen_1', request: 'req_1', key: id, model: 'gpt-image-2', holdMs }
    const facts = { operation: 'generate', size: 'auto', prompt: '', images: 1, quote: 1000 }
    await env.TEAMS.getByName('acme').reserve({ ...order, ...facts }, false)
    await evictAllDurableObjects()
    expect(await used('acme')).toBe(1000)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + holdMs })
    await ringTeam('acme')
    expect(await used('acme')).toBe(0)
  })
})
