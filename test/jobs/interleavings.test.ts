import { abortAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations } from '../support/alarms'
import { audit } from '../support/accounting'
import { holdTeam, watchGenerations } from '../support/held-team'
import { called, cancel, ended, startJob, job, jobState } from '../support/jobs'
import { ask, issue, operate, stored, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

/** Sets the least age of an answer ahead of the generation's clock, as another machine may. */
function aheadOfGenerations(ms: number): void {
  const getByName = env.GENERATIONS.getByName.bind(env.GENERATIONS)
  vi.spyOn(env.GENERATIONS, 'getByName').mockImplementation((name) => {
    const stub = getByName(name)
    const obtain = (ask: Parameters<typeof stub.obtain>[0]): unknown =>
      stub.obtain({ ...ask, madeSinceMs: Date.now() + ms })
    return new Proxy(stub, { get: (_, verb) => (verb === 'obtain' ? obtain : Reflect.get(stub, verb)) })
  })
}

/** Delays the answers of teams to reservations, after they decided. */
function lateReplies(): { decided: () => number; release: () => void } {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const getByName = env.TEAMS.getByName.bind(env.TEAMS)
  let decided = 0
  vi.spyOn(env.TEAMS, 'getByName').mockImplementation((name) => {
    const stub = getByName(name)
    const reserve = async (...order: Parameters<typeof stub.reserve>): Promise<unknown> => {
      const held = await stub.reserve(...order)
      decided += 1
      await released
      return held
    }
    return new Proxy(stub, { get: (_, verb) => (verb === 'reserve' ? reserve : Reflect.get(stub, verb)) })
  })
  return { decided: () => decided, release }
}

describe('a job', () => {
  test('accepted during the refusal of another key is made, whatever its earlier outcome', async () => {
    await team('acme')
    const [poor, rich] = [await issue('acme', { limits: { budget_usd: 0 } }), await issue('acme')]
    const body = { prompt: 'A cat @twice=500' }
    const before = await ended(rich.key, await job(rich.key, body))
    expect(before.status).toBe('failed')
    const held = holdTeam('reserve')
    const refused = startJob(poor.key, body)
    await vi.waitUntil(() => held.asked() === 1)
    const taken = startJob(rich.key, body)
    await vi.waitUntil(async () => (await jobState(rich.key, before.id)).status === 'running')
    held.release()
    expect([(await refused).status, (await taken).status]).toEqual([429, 202])
    expect(await ended(rich.key, before.id)).toMatchObject({ status: 'succeeded' })
  })

  test('refused before its place in the queue is known ends at once', async () => {
    const { key, id } = await team('acme', { concurrency: 1 })
    const first = await job(key, { prompt: 'A cat @delay=20000' })
    await called(upstream, 1)
    const held = lateReplies()
    const taken = startJob(key, { prompt: 'A dog' })
    await vi.waitUntil(() => held.decided() === 1)
    await operate('DELETE', `/teams/acme/keys/${id}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
    held.release()
    expect((await taken).status).toBe(401)
    expect(await env.GENERATIONS.getByName(first).cancel('acme')).toMatchObject({ status: 'cancelled' })
  })
})

describe('a job cancelled before its place in the queue is known', () => {
  test('gives that place up', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const first = await job(key, { prompt: 'A cat @delay=20000' })
    await called(upstream, 1)
    const watched = watchGenerations()
    const reply = lateReplies()
    const taken = startJob(key, { prompt: 'A dog' })
    await vi.waitUntil(() => reply.decided() === 1)
    const [id = ''] = watched
    const cancelled = cancel(key, id)
    await new Promise((resolve) => setTimeout(resolve, 100))
    reply.release()
    expect([(await taken).status, (await cancelled).status]).toEqual([202, 200])
    const next = await job(key, { prompt: 'A cow' })
    expect(await jobState(key, next)).toMatchObject({ status: 'queued', queued_before: 0 })
    await cancel(key, first)
    expect(await ended(key, next)).toMatchObject({ status: 'succeeded' })
  })
})

describe('a run that died with all of its images stored', () => {
  test('ends before another one begins for a request that finds them too old', async () => {
    const { key } = await team('acme')
    const body = { prompt: 'A cat @delay=300 @once=silence-after-image' }
    const id = await job(key, body)
    await vi.waitUntil(async () => (await stored()) === 1)
    await abortAllDurableObjects()
    aheadOfGenerations(60_000)
    const anew = ask(key, body)
    await called(upstream, 2)
    await ringGenerations()
    expect((await anew).headers.get('x-cache')).toBe('MISS')
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    expect(upstream.calls).toHaveLength(2)
    expect((await audit('acme')).map(({ status }) => status)).toEqual(['succeeded', 'succeeded'])
  })
})
