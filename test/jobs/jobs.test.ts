import { evictAllDurableObjects, listDurableObjectIds } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations } from '../support/alarms'
import { ownUsage } from '../support/accounting'
import { errorOf, knock } from '../support/gateway'
import {
  called,
  cancel,
  DRAWN,
  ended,
  startJob,
  job,
  type JobJson,
  slowDemo,
  jobState,
  jobWithStatus,
} from '../support/jobs'
import { at, NOON } from '../support/orders'
import { ask, team, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

describe('a request with respond-async', () => {
  test('gets at once the location of its answer and a time to poll', async () => {
    const { key } = await team('acme')
    const response = await startJob(key, { prompt: 'A cat @delay=200' })
    const told = await response.json<JobJson>()
    expect(response.status).toBe(202)
    expect(response.headers.get('location')).toBe(`/v1/generations/${told.id}`)
    expect(response.headers.get('preference-applied')).toBe('respond-async')
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(told).toMatchObject({ object: 'generation', status: 'running', images: [], cost_usd: null, error: null })
    expect(told.request_id).toBe(response.headers.get('x-request-id'))
  })

  test('finds there the answer of a request that waits', async () => {
    const { key } = await team('acme')
    const told = await ended(key, await job(key))
    const answer = await (await ask(key)).json()
    expect(told).toMatchObject({ status: 'succeeded', progress: { percent: 100, estimated: false }, error: null })
    // No prompt is kept after the end.
    const data = told.result?.data.map((each) => ({ ...each, revised_prompt: 'A cat' }))
    expect({ ...told.result, data }).toEqual(answer)
    expect(told.images).toEqual([{ url: told.result?.data[0]?.url }])
    expect(upstream.calls).toHaveLength(1)
  })

  test.each([
    ['b64_json', { response_format: 'b64_json' }, { b64_json: expect.any(String) }],
    ['url', { response_format: 'url' }, { url: expect.any(String) }],
    ['neither', { response_format: undefined }, { b64_json: expect.any(String), url: expect.any(String) }],
    ['a stream', { stream: true, response_format: undefined }, { b64_json: expect.any(String) }],
  ])('finds its pictures in the requested response_format: %s', async (_, body, item) => {
    const { key } = await team('acme')
    const { result } = await ended(key, await job(key, { n: 2, ...body }))
    expect(result?.data).toMatchObject([item, item])
    expect(result?.usage).toMatchObject({ output_tokens: 392 })
  })

  test('finds base64 of the very picture', async () => {
    const { key } = await team('acme')
    const { result } = await ended(key, await job(key, { response_format: undefined, prompt: 'A cat @bytes=300000' }))
    const [{ b64_json = '', url = '' } = {}] = result?.data ?? []
    const picture = new Uint8Array(await (await knock(url)).arrayBuffer())
    expect(Uint8Array.fromBase64(b64_json)).toEqual(picture)
  })

  test.each([
    ['500', 'upstream_failed', null],
    ['moderation', 'content_rejected', null],
  ])('finds its failure (%s) by code, message and parameter, also after a minute', async (fault, code, param) => {
    const { key } = await team('acme')
    const id = await job(key, { prompt: `A cat @fault=${fault}` })
    const told = await ended(key, id)
    expect(told).toMatchObject({ status: 'failed', cost_usd: 0, result: null })
    expect(told.error).toEqual({ code, message: expect.any(String), param })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 61_000 })
    await evictAllDurableObjects()
    expect(await jobState(key, id)).toEqual(told)
  })

  test('for a cached answer ends at once, free, and counts as a hit', async () => {
    const { key } = await team('acme')
    await (await ask(key)).arrayBuffer()
    const response = await startJob(key)
    const told = await response.json<JobJson>()
    expect([response.status, told.status, told.cost_usd]).toEqual([202, 'succeeded', 0])
    expect((await jobState(key, told.id)).result?.data).toHaveLength(1)
    expect(upstream.calls).toHaveLength(1)
    await vi.waitUntil(async () => (await ownUsage(key)).totals.hits === 1)
  })

  test('is visible to its own team alone', async () => {
    const { key } = await team('acme')
    const other = await team('other')
    const id = await job(key)
    await ended(key, id)
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/cancel'],
      ['DELETE', ''],
    ]) {
      const refused = await visit(other.key, `/v1/generations/${id}${path}`, method)
      expect(await errorOf(refused)).toMatchObject({ status: 404 })
    }
    expect((await jobState(key, id)).result?.data).toHaveLength(1)
  })

  test('with no-store finds its picture all the same', async () => {
    const { key } = await team('acme')
    const headers = { 'cache-control': 'no-store' }
    const ids = [await job(key, {}, headers), await job(key, {}, headers)]
    const told = await Promise.all(ids.map((id) => ended(key, id)))
    expect(new Set(told.map(({ result }) => result?.data[0]?.url)).size).toBe(2)
    expect(upstream.calls).toHaveLength(2)
    expect((await env.CACHE.list()).keys).toEqual([])
  })
})

describe('a request with Prefer: wait', () => {
  test('gets its answer within that time', async () => {
    const { key } = await team('acme')
    const response = await ask(key, {}, { prefer: 'wait=20' })
    expect([response.status, response.headers.get('x-cache')]).toEqual([200, 'MISS'])
    expect(await response.json()).toMatchObject({ data: [{ url: expect.any(String) }] })
  })

  test('gets the location of its answer after that time, with one upstream call', async () => {
    const { key } = await team('acme')
    const response = await ask(key, { prompt: 'A cat @delay=1300' }, { prefer: 'wait=1' })
    const { id } = await response.json<JobJson>()
    expect([response.status, response.headers.get('preference-applied')]).toEqual([202, 'wait=1'])
    expect((await ended(key, id)).result?.data).toHaveLength(1)
    expect(upstream.calls).toHaveLength(1)
  })

  test('has its own arrival as created_at, not the start of its run', async () => {
    const { key } = await team('acme')
    at(NOON)
    const response = ask(key, { prompt: 'A cat @delay=1300' }, { prefer: 'wait=1' })
    await vi.waitUntil(() => upstream.calls.length === 1)
    at(NOON + 1000)
    const { created_at, started_at } = await (await response).json<JobJson>()
    expect(Date.parse(created_at)).toBeLessThanOrEqual(Date.parse(started_at ?? ''))
  })
})

describe('a repeated job', () => {
  test('keeps the time of its first request', async () => {
    const { key } = await team('acme')
    at(NOON)
    const before = await (await startJob(key, { prompt: 'A cat @delay=20000' })).json<JobJson>()
    at(NOON + 1000)
    const after = await (await startJob(key, { prompt: 'A cat @delay=20000' })).json<JobJson>()
    expect(after).toMatchObject({ id: before.id, created_at: before.created_at })
    await cancel(key, before.id)
  })

  test('during its run is one job, paid once', async () => {
    const { key } = await team('acme')
    const ids = await Promise.all(Array.from({ length: 5 }, () => job(key, { prompt: 'A cat @delay=100' })))
    expect(new Set(ids).size).toBe(1)
    expect(await ended(key, ids[0] ?? '')).toMatchObject({ status: 'succeeded' })
    expect(upstream.calls).toHaveLength(1)
  })

  test('beside a request and a stream is made once', async () => {
    const { key } = await team('acme')
    const prompt = 'A cat @delay=200'
    const [id, whole, stream] = await Promise.all([
      job(key, { prompt }),
      ask(key, { prompt }),
      ask(key, { prompt, stream: true, response_format: undefined }),
    ])
    expect([whole.status, stream.status]).toEqual([200, 200])
    expect(await stream.text()).toContain('image_generation.completed')
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    expect(upstream.calls).toHaveLength(1)
  })
})

describe('the progress of a job', () => {
  test("follows the upstream's own report where there is one", async () => {
    slowDemo(1500)
    const { key } = await team('acme')
    const id = await job(key, DRAWN)
    const { status, progress } = await vi.waitUntil(async () => {
      const told = await jobState(key, id)
      return told.progress && told
    })
    expect([status, progress]).toEqual(['running', { percent: expect.any(Number), estimated: false }])
    expect((progress?.percent ?? NaN) % 10).toBe(0)
    expect(await ended(key, id)).toMatchObject({ progress: { percent: 100, estimated: false } })
  })

  test('is otherwise estimated by earlier durations, and marked as an estimate', async () => {
    const { key } = await team('acme')
    await ended(key, await job(key, { prompt: 'A dog @delay=50' }))
    const id = await job(key, { prompt: 'A cat @delay=300' })
    await called(upstream, 2)
    const { progress } = await jobWithStatus(key, id, 'running')
    expect(progress).toEqual({ percent: expect.any(Number), estimated: true })
    expect(progress?.percent).toBeLessThan(100)
  })

  test('is missing for the first one of its kind', async () => {
    const { key } = await team('acme')
    const id = await job(key, { prompt: 'A cat @delay=200' })
    await called(upstream, 1)
    expect(await jobState(key, id)).toMatchObject({ status: 'running', progress: null, started_at: expect.any(String) })
  })
})

describe('for an id of no generation', () => {
  test.each(['gen_1', 'gen_xyz', '..%2F..', `gen_${'a'.repeat(65)}`, `gen_${'A'.repeat(64)}`])(
    '%s creates no object',
    async (id) => {
      const { key } = await team('acme')
      // The list still has the objects of earlier tests, even after a reset.
      const before = (await listDurableObjectIds(env.GENERATIONS)).length
      for (const [method, path] of [
        ['GET', ''],
        ['POST', '/cancel'],
        ['DELETE', ''],
      ]) {
        expect((await visit(key, `/v1/generations/${id}${path}`, method)).status).toBe(404)
      }
      expect(await listDurableObjectIds(env.GENERATIONS)).toHaveLength(before)
    },
  )

  test('a job that ends leaves no alarm behind', async () => {
    const { key } = await team('acme')
    const id = `gen_${'a'.repeat(64)}`
    const refused = [await visit(key, `/v1/generations/${id}`), await cancel(key, id)]
    expect(refused.map(({ status }) => status)).toEqual([404, 404])
    expect(await ringGenerations()).toBe(0)
  })
})
