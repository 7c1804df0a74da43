import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { price, quoteOf } from '../support/billing-upstream'
import { audit, used } from '../support/accounting'
import { errorOf } from '../support/gateway'
import { holdTeam, watchGenerations } from '../support/held-team'
import { called, cancel, ended, startJob, job, jobState, jobWithStatus } from '../support/jobs'
import { askWith } from '../support/settings'
import { ask, issue, operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const SLOW = { prompt: 'A slow cat @delay=400' }
const prompts = (): unknown[] => upstream.calls.map(({ fields }) => fields['prompt'])

describe("a job over its team's concurrency", () => {
  test('waits, has the number of jobs before it, and is made in turn', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    await job(key, SLOW)
    const ids: string[] = []
    for (const prompt of ['first', 'second', 'third']) ids.push(await job(key, { prompt }))
    const told = await Promise.all(ids.map((id) => jobState(key, id)))
    expect(told.map(({ status, queued_before }) => [status, queued_before])).toEqual([
      ['queued', 0],
      ['queued', 1],
      ['queued', 2],
    ])
    for (const id of ids) expect(await ended(key, id)).toMatchObject({ status: 'succeeded', queued_before: null })
    expect(prompts()).toEqual([SLOW.prompt, 'first', 'second', 'third'])
  })

  test('leaves other teams unaffected', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const other = await team('other', { concurrency: 1 })
    const first = await job(key, { prompt: 'A cat @delay=20000' })
    await Promise.all(Array.from({ length: 20 }, (_, index) => job(key, { prompt: `cat ${index}` })))
    expect(await ended(other.key, await job(other.key))).toMatchObject({ status: 'succeeded' })
    expect(upstream.calls).toHaveLength(2)
    await cancel(key, first)
  })

  test("of one key delays that key's jobs alone", async () => {
    await team('acme', { concurrency: 5 })
    const [one, two] = [await issue('acme', { limits: { concurrency: 1 } }), await issue('acme')]
    const first = await job(one.key, { prompt: 'A cat @delay=20000' })
    const waits = await job(one.key, { prompt: 'A dog' })
    expect(await ended(two.key, await job(two.key, { prompt: 'A cow' }))).toMatchObject({ status: 'succeeded' })
    expect(await jobState(one.key, waits)).toMatchObject({ status: 'queued' })
    await cancel(one.key, first)
    expect(await ended(one.key, waits)).toMatchObject({ status: 'succeeded' })
  })

  test('runs at once after the limit is raised', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const first = await job(key, { prompt: 'A cat @delay=20000' })
    const ids = [await job(key, { prompt: 'A dog' }), await job(key, { prompt: 'A cow' })]
    await operate('PATCH', '/teams/acme', { limits: { concurrency: 2 } })
    for (const id of ids) expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    expect(await jobState(key, first)).toMatchObject({ status: 'running' })
    await cancel(key, first)
  })

  test('waits as well for money that others hold, and is paid', async () => {
    const [cat, dog] = ['A cat @delay=300', 'A dog']
    const { key } = await team('acme', { budget_usd: (quoteOf(cat) + quoteOf(dog) - 1) / 1e6 })
    const first = await job(key, { prompt: cat })
    await called(upstream, 1)
    const id = await job(key, { prompt: dog })
    expect(await jobState(key, id)).toMatchObject({ status: 'queued' })
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    expect(await ended(key, first)).toMatchObject({ status: 'succeeded' })
    expect(await used('acme')).toBe(price(cat) + price(dog))
  })

  test('is found by its heartbeat once its turn has come', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const first = await job(key, { prompt: 'A cat @delay=100' })
    const id = await job(key, SLOW)
    await ended(key, first)
    await called(upstream, 2)
    // The due time of an alarm is visible inside its object alone.
    const dueMs = await runInDurableObject(env.GENERATIONS.getByName(id), (_, { storage }) => storage.getAlarm())
    expect((dueMs ?? Infinity) - Date.now()).toBeLessThanOrEqual(30_000)
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
  })
})

describe('a job at its turn', () => {
  test('fails after the revocation of its key', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const other = await issue('acme')
    const first = await job(key, { prompt: 'A cat @delay=20000' })
    const id = await job(other.key)
    await operate('DELETE', `/teams/acme/keys/${other.id}`)
    await called(upstream, 1)
    await cancel(key, first)
    expect(await ended(key, id)).toMatchObject({ status: 'failed', error: { code: 'unauthorized' }, cost_usd: 0 })
    expect(upstream.calls).toHaveLength(1)
  })

  test('fails after earlier jobs used up the images of the day', async () => {
    const { key } = await team('acme', { concurrency: 1, images_per_day: 2 })
    const ids = [await job(key, SLOW), await job(key, { prompt: 'second' }), await job(key, { prompt: 'third' })]
    const told = await Promise.all(ids.map((id) => ended(key, id)))
    expect(told.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'failed'])
    expect(told[2]).toMatchObject({ error: { code: 'rate_limited', message: expect.stringContaining('day') } })
    expect(upstream.calls).toHaveLength(2)
  })
})

describe('a job that can never run', () => {
  test.each<[string, number, Record<string, unknown>]>([
    ['a model that is not allowed', 403, { models: ['relay-1'] }],
    ['a budget below the price', 429, { budget_usd: 0.000001 }],
    ['no images left today', 429, { images_per_day: 0 }],
    ['a concurrency of 0', 429, { concurrency: 0 }],
  ])('(%s) is refused at once and leaves no job behind', async (_, status, limits) => {
    const { key } = await team('acme', limits)
    const asked = watchGenerations()
    expect((await startJob(key)).status).toBe(status)
    for (const id of new Set(asked)) await expect(jobState(key, id)).rejects.toThrow('no such generation')
    expect(await audit('acme')).toEqual([])
  })

  test('leaves the job before it unchanged', async () => {
    const { key } = await team('acme')
    const before = await ended(key, await job(key))
    await operate('PATCH', '/teams/acme', { limits: { budget_usd: 0.000001 } })
    expect((await startJob(key, {}, { 'cache-control': 'no-cache' })).status).toBe(429)
    expect(await jobState(key, before.id)).toEqual(before)
  })
})

describe("a request that waits for its answer, over its team's concurrency", () => {
  test('is refused without a queue wait', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const first = await job(key, SLOW)
    expect(await errorOf(await ask(key))).toMatchObject({ status: 429 })
    await ended(key, first)
    expect(await audit('acme')).toHaveLength(1)
  })

  test('gets its turn within the queue wait', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const first = await job(key, SLOW)
    await called(upstream, 1)
    expect((await askWith({ QUEUE_WAIT_SECONDS: 20 }, key, {})).status).toBe(200)
    expect(await ended(key, first)).toMatchObject({ status: 'succeeded' })
  })

  test('is refused after the queue wait and gives up its place', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const first = await job(key, { prompt: 'A cat @delay=20000' })
    await called(upstream, 1)
    const refused = await askWith({ QUEUE_WAIT_SECONDS: 1 }, key, {})
    expect(await errorOf(refused)).toMatchObject({ status: 429 })
    await cancel(key, first)
    expect(await audit('acme')).toHaveLength(1)
    expect(upstream.calls).toHaveLength(1)
  })

  test('is refused at once also beside a queued job for the same image', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const first = await job(key, SLOW)
    const { asked, release } = holdTeam('reserve')
    const handed = startJob(key)
    await vi.waitUntil(() => asked() === 1)
    const joining = watchGenerations()
    const waiting = ask(key)
    await vi.waitUntil(() => joining.length === 1)
    release()
    expect((await waiting).status).toBe(429)
    expect((await handed).status).toBe(202)
    await ended(key, first)
  })

  test('leaves a later job for the same image in place when it is refused', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    await job(key, SLOW)
    const { asked, release } = holdTeam('reserve')
    const waiting = ask(key)
    await vi.waitUntil(() => asked() === 1)
    const id = await job(key)
    release()
    expect((await waiting).status).toBe(429)
    expect(await jobWithStatus(key, id, 'succeeded', 'failed')).toMatchObject({ status: 'succeeded' })
  })

  test('becomes a job and keeps its place when Prefer: wait ends', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    await job(key, { prompt: 'A cat @delay=1500' })
    const response = await ask(key, {}, { prefer: 'wait=1' })
    const { id, status } = await response.json<{ id: string; status: string }>()
    expect([response.status, status]).toEqual([202, 'queued'])
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
  })
})
