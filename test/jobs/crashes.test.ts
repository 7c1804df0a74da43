import { abortAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations, ringTeam } from '../support/alarms'
import { price, quoteOf } from '../support/billing-upstream'
import { audit, limitStatus as limit, used } from '../support/accounting'
import { holdTeam } from '../support/held-team'
import { internet } from '../support/internet'
import { ASYNC, called, cancel, DRAWN, ended, job, type JobJson, slowDemo, jobState } from '../support/jobs'
import { askWith } from '../support/settings'
import { ask, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

/** Loses every notice of a turn; counts them. */
function deafGenerations(): { turns: number; end: () => void } {
  const getByName = env.GENERATIONS.getByName.bind(env.GENERATIONS)
  const spy = vi.spyOn(env.GENERATIONS, 'getByName')
  const deaf = { turns: 0, end: (): void => spy.mockRestore() }
  const lose = async (): Promise<never> => {
    deaf.turns += 1
    throw new Error('the line is dead')
  }
  spy.mockImplementation((name) => {
    const stub = getByName(name)
    return new Proxy(stub, { get: (_, verb) => (verb === 'turn' ? lose : Reflect.get(stub, verb)) })
  })
  return deaf
}

describe('a process that dies', () => {
  test('while others wait resumes its run, and then starts theirs', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const first = await job(key, { prompt: 'A cat @delay=200' })
    await called(upstream, 1)
    const second = await job(key, { prompt: 'A dog' })
    await abortAllDurableObjects()
    await ringGenerations()
    expect([await ended(key, first), await ended(key, second)]).toMatchObject([
      { status: 'succeeded' },
      { status: 'succeeded' },
    ])
    expect(upstream.calls).toHaveLength(3)
  })

  test('in the middle of a job is found by its heartbeat, and one more attempt makes the job', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const id = await job(key, { prompt: 'A cat @once=silence' })
    await called(upstream, 1)
    await abortAllDurableObjects()
    expect(await ringGenerations()).toBe(1)
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded', result: { data: [{}] } })
    expect(upstream.calls).toHaveLength(2)
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', attempts: 2 }])
    // The first call may be billed.
    expect(await used('acme')).toBe(price('A cat @once=silence') + quoteOf('A cat @once=silence'))
  })

  test('twice fails the job at the cost of its calls, and releases its other money', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const id = await job(key, { prompt: 'A cat @fault=silence' })
    for (const times of [1, 2]) {
      await called(upstream, times)
      await abortAllDurableObjects()
      await ringGenerations()
    }
    const told = await ended(key, id)
    const cost = 2 * quoteOf('A cat @fault=silence')
    const amounts = { cost_usd: cost / 1e6, estimated_usd: cost / 1e6 }
    expect(told).toMatchObject({ status: 'failed', ...amounts, error: { code: 'upstream_failed' } })
    expect(upstream.calls).toHaveLength(2)
    expect(await used('acme')).toBe(cost)
  })

  test.each([1, 2])('with answers always cut pays two calls if it dies in call %i, and books both', async (died) => {
    const { key } = await team('acme', { budget_usd: 1 })
    let requests = 0
    const handle = async (request: Request): Promise<Response> => {
      const response = await upstream.handle(request)
      return ++requests === died ? await new Promise<never>(() => {}) : response
    }
    internet({ 'api.openai.com': { handle } })
    const id = await job(key, { prompt: 'A cat @fault=cut' })
    await vi.waitUntil(() => requests === died)
    await abortAllDurableObjects()
    await ringGenerations()
    expect(await ended(key, id)).toMatchObject({ status: 'failed', error: { code: 'upstream_failed' } })
    expect(requests).toBe(2)
    const cost = 2 * quoteOf('A cat @fault=cut')
    const amounts = { cost_usd: cost / 1e6, estimated_usd: cost / 1e6 }
    expect(await audit('acme')).toMatchObject([{ status: 'failed', attempts: 2, ...amounts }])
    expect(await used('acme')).toBe(cost)
  })

  test('while an upstream has a job polls that one and begins no other', async () => {
    const jobs = slowDemo(600)
    const { key } = await team('acme', { budget_usd: 1 })
    const id = await job(key, DRAWN)
    await vi.waitUntil(async () => (await jobState(key, id)).progress)
    await abortAllDurableObjects()
    await ringGenerations()
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded', result: { data: [{}] }, cost_usd: 0 })
    expect(jobs).toEqual([undefined, expect.stringMatching(/^\d+$/)])
    expect(await audit('acme')).toMatchObject([{ upstream: 'demo', attempts: 1 }])
  })

  test("more often than twice still polls the upstream's job", async () => {
    const jobs = slowDemo(2500)
    const { key } = await team('acme')
    const id = await job(key, DRAWN)
    for (const times of [1, 2, 3]) {
      await vi.waitUntil(() => jobs.length === times)
      await abortAllDurableObjects()
      await ringGenerations()
    }
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    expect(new Set(jobs.slice(1)).size).toBe(1)
  })

  test('gives waiting requests and the job the same outcome', async () => {
    const { key } = await team('acme')
    const prompt = 'A cat @once=silence'
    const id = await job(key, { prompt })
    await called(upstream, 1)
    const waiting = ask(key, { prompt })
    await vi.waitUntil(async () => (await jobState(key, id)).status === 'running')
    await abortAllDurableObjects()
    expect((await waiting).status).toBe(200)
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    expect(upstream.calls).toHaveLength(2)
  })

  test('during Prefer: wait leads to a 202 with the location of the answer', async () => {
    const { key } = await team('acme')
    const waiting = ask(key, { prompt: 'A cat @delay=1500' }, { prefer: 'wait=1' })
    await called(upstream, 1)
    await abortAllDurableObjects()
    const response = await waiting
    expect(response.status).toBe(202)
    const { id } = await response.json<JobJson>()
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    expect(upstream.calls).toHaveLength(2)
  })

  test('leaves queued and ended jobs intact', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const done = await ended(key, await job(key, { prompt: 'A cow', response_format: 'b64_json' }))
    const first = await job(key, { prompt: 'A cat @delay=20000' })
    const waits = await job(key, { prompt: 'A dog' })
    await abortAllDurableObjects()
    expect(await jobState(key, done.id)).toMatchObject({ status: 'succeeded', result: done.result })
    expect(await jobState(key, waits)).toMatchObject({ status: 'queued', queued_before: 0 })
    expect((await cancel(key, first)).status).toBe(200)
    expect(await ended(key, waits)).toMatchObject({ status: 'succeeded' })
  })

  test('between a cancelled run and its successor starts the successor', async () => {
    const shared = { CACHE_SCOPE: 'shared' }
    const body = { prompt: 'A cat @once=silence' }
    const [acme, other] = [await team('acme'), await team('other')]
    const { id } = await (await askWith(shared, acme.key, body, ASYNC)).json<JobJson>()
    await called(upstream, 1)
    await askWith(shared, other.key, body, ASYNC)
    const { asked } = holdTeam('settle')
    const cancelling = cancel(acme.key, id).catch(() => {})
    await vi.waitUntil(() => asked() === 1)
    expect(await jobState(other.key, id)).toMatchObject({ status: 'queued' })
    await abortAllDurableObjects()
    vi.restoreAllMocks()
    internet({ 'api.openai.com': upstream })
    await cancelling
    await ringGenerations()
    expect(await ended(other.key, id)).toMatchObject({ status: 'succeeded' })
  })
})

describe("the death of a team's object", () => {
  test('after it granted a turn leads to another notice by its alarm', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const first = await job(key, { prompt: 'A cat @delay=200' })
    const id = await job(key)
    const unheard = deafGenerations()
    await vi.waitUntil(() => unheard.turns > 0)
    await abortAllDurableObjects()
    unheard.end()
    expect(await jobState(key, id)).toMatchObject({ status: 'queued' })
    expect(await ringTeam('acme')).toBe(true)
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    expect(await ended(key, first)).toMatchObject({ status: 'succeeded' })
    expect(upstream.calls).toHaveLength(2)
  })
})

describe('a repeated turn', () => {
  test('after the end of the run changes nothing about its cost', async () => {
    const { key } = await team('acme', { concurrency: 1, budget_usd: 1 })
    const id = await job(key, { prompt: 'A cat @delay=100' })
    await called(upstream, 1)
    const run = (await audit('acme'))[0]?.run ?? ''
    const { asked, release } = holdTeam('settle')
    await vi.waitUntil(() => asked() === 1)
    expect(await env.GENERATIONS.getByName(id).turn(run, undefined)).toBe(true)
    release()
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    await vi.waitUntil(async () => (await limit('acme', 'concurrency')).used === 0)
    expect(await used('acme')).toBe(price('A cat @delay=100'))
  })
})
