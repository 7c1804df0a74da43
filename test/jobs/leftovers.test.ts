import { abortAllDurableObjects, evictAllDurableObjects } from 'cloudflare:test'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations, ringTeam } from '../support/alarms'
import { audit, generate } from '../support/accounting'
import { errorOf, knock } from '../support/gateway'
import { ASYNC, called, cancel, ended, job, type JobJson, jobState } from '../support/jobs'
import { askWith } from '../support/settings'
import { ask, issue, operate, stored, team, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const HOUR = 3_600_000
const later = (ms: number): unknown => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms })
const remove = (key: string, id: string): Promise<Response> => visit(key, `/v1/generations/${id}`, 'DELETE')

describe('the outcome of a job', () => {
  test.each([
    ['evicted', evictAllDurableObjects],
    ['aborted', abortAllDurableObjects],
  ])('survives an eviction of all objects (%s)', async (_, disturb) => {
    const { key } = await team('acme')
    const before = await ended(key, await job(key, { response_format: 'b64_json' }))
    await disturb()
    expect(await jobState(key, before.id)).toEqual(before)
  })

  test('stays for a day, even with no-store', async () => {
    const { key } = await team('acme')
    const { id } = await ended(key, await job(key, {}, { 'cache-control': 'no-store' }))
    later(23 * HOUR)
    await ringGenerations()
    await evictAllDurableObjects()
    expect((await jobState(key, id)).result?.data).toHaveLength(1)
    later(2 * HOUR)
    await ringGenerations()
    expect(await jobState(key, id)).toMatchObject({ status: 'succeeded', result: null })
  })

  test('loses its result after the deletion of one picture, and keeps the other pictures', async () => {
    const { key } = await team('acme')
    const { id, images } = await ended(key, await job(key, { n: 2 }))
    await visit(key, new URL(images[0]?.url ?? '').pathname, 'DELETE')
    const left = await jobState(key, id)
    expect(left).toMatchObject({ status: 'succeeded', result: null, images: [{}] })
    expect((await knock(left.images[0]?.url ?? '')).status).toBe(200)
  })
})

describe('the deletion of a job', () => {
  test('that waits or runs is refused until its cancellation', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const runs = await job(key, { prompt: 'A cat @delay=20000' })
    const waits = await job(key)
    for (const id of [waits, runs]) {
      expect((await remove(key, id)).status).toBe(409)
      await cancel(key, id)
      expect((await remove(key, id)).status).toBe(200)
      expect(await errorOf(await visit(key, `/v1/generations/${id}`))).toMatchObject({ status: 404 })
    }
    expect((await ask(key)).status).toBe(200)
  })

  test.each(['A cat', 'A cat @fault=500'])('that has ended (%s) removes all of it', async (prompt) => {
    const { key } = await team('acme')
    const { id } = await ended(key, await job(key, { prompt }))
    expect((await remove(key, id)).status).toBe(200)
    expect((await visit(key, `/v1/generations/${id}`)).status).toBe(404)
    expect((await remove(key, id)).status).toBe(404)
    expect(await stored()).toBe(0)
  })
})

describe('a deleted team', () => {
  test('loses its queued jobs, and a new team of its id has none', async () => {
    const old = await team('acme', { concurrency: 1 })
    const done = await ended(old.key, await job(old.key, { prompt: 'A secret cow' }))
    const runs = await job(old.key, { prompt: 'A cat @delay=300' })
    const waits = await job(old.key, { prompt: 'A dog' })
    await called(upstream, 2)
    await operate('DELETE', '/teams/acme')
    expect((await visit(old.key, `/v1/generations/${waits}`)).status).toBe(401)
    await ringTeam('acme')
    await ringGenerations()
    const next = await vi.waitUntil(async () => await team('acme').catch(() => undefined))
    await vi.waitFor(async () => expect(await stored()).toBe(0))
    for (const id of [done.id, runs, waits]) {
      for (const [method, path] of [
        ['GET', ''],
        ['POST', '/cancel'],
        ['DELETE', ''],
      ]) {
        expect((await visit(next.key, `/v1/generations/${id}${path}`, method)).status).toBe(404)
      }
    }
    expect(await audit('acme')).toEqual([])
    expect(upstream.calls).toHaveLength(2)
  })

  test('has its share of a queued run dropped, and the run serves the others', async () => {
    const shared = { CACHE_SCOPE: 'shared' }
    const [old, other] = [await team('acme'), await team('other')]
    const begun = await askWith(shared, old.key, { prompt: 'A cat @delay=400' }, ASYNC)
    const { id } = await begun.json<JobJson>()
    await called(upstream, 1)
    await askWith(shared, other.key, { prompt: 'A cat @delay=400' }, ASYNC)
    await operate('DELETE', '/teams/acme')
    expect(await ended(other.key, id)).toMatchObject({ status: 'succeeded', cost_usd: 0 })
    expect(upstream.calls).toHaveLength(1)
  })
})

describe('a client that hangs up before its 202', () => {
  test('finds the job at its location', async () => {
    const { key } = await team('acme')
    const abort = new AbortController()
    const gone = generate(key, 'A cat @delay=300', {}, { headers: ASYNC, signal: abort.signal }).catch(() => {})
    await called(upstream, 1)
    abort.abort()
    await gone
    const id = (await audit('acme'))[0]?.id ?? ''
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    expect(await job(key, { prompt: 'A cat @delay=300' })).toBe(id)
    expect(upstream.calls).toHaveLength(1)
  })
})

describe('a job that two keys of a team submitted', () => {
  test('is made after the revocation of the first key', async () => {
    const acme = await team('acme', { concurrency: 1 })
    const second = await issue('acme')
    const first = await job(acme.key, { prompt: 'A dog @delay=20000' })
    const third = await issue('acme')
    const id = await job(third.key)
    expect(await job(second.key)).toBe(id)
    await operate('DELETE', `/teams/acme/keys/${third.id}`)
    await cancel(acme.key, first)
    expect(await ended(second.key, id)).toMatchObject({ status: 'succeeded', key: second.id })
  })
})
