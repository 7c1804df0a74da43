import { evictAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { knock } from './support/gateway'
import { ASYNC, ended, job, jobState } from './support/jobs'
import { generations } from './support/objects'
import { askWith } from './support/settings'
import { operate, team, visit } from './support/teams'
import { upstreams } from './support/upstreams'

const { upstream } = upstreams()

const UNKNOWN = [`gen_${'5'.repeat(64)}`, `gen_${'7'.repeat(32)}`]

const SHARED = { CACHE_SCOPE: 'shared' }

describe('an id that belongs to no generation of the team', () => {
  test.each([
    ['GET', (id: string) => `/v1/generations/${id}`],
    ['DELETE', (id: string) => `/v1/generations/${id}`],
    ['POST', (id: string) => `/v1/generations/${id}/cancel`],
    ['GET', (id: string) => `/v1/api/result?id=${id}`],
    ['DELETE', (id: string) => `/images/${id}/12345678-0.png`],
  ])('%s of it makes no object', async (method, path) => {
    const { key } = await team('acme')
    for (const id of UNKNOWN) expect((await visit(key, path(id), method)).status).toBe(404)
    expect(generations()).toEqual([])
  })

  test('makes no object as a task of GrsAI', async () => {
    const { key } = await team('acme')
    for (const id of UNKNOWN) {
      const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
      await knock('/v1/draw/result', { method: 'POST', headers, body: JSON.stringify({ id }) })
    }
    expect(generations()).toEqual([])
  })

  test('may be that of another team: its object is not asked', async () => {
    const [acme, other] = [await team('acme'), await team('other')]
    const id = await job(acme.key)
    await ended(acme.key, id)
    const see = vi.spyOn(env.GENERATIONS, 'getByName')
    expect((await visit(other.key, `/v1/generations/${id}`)).status).toBe(404)
    expect(see).not.toHaveBeenCalled()
  })
})

describe('a job without an entry in the ledger of its team is known', () => {
  test("with another team's answer", async () => {
    const [acme, other] = [await team('acme'), await team('other')]
    await askWith(SHARED, acme.key)
    const { id } = await (await askWith(SHARED, other.key, {}, ASYNC)).json<{ id: string }>()
    expect(await jobState(other.key, id)).toMatchObject({ status: 'succeeded', images: [{}] })
    expect(upstream.calls).toHaveLength(1)
  })

  test('after a refusal in the queue', async () => {
    const { key } = await team('acme', { concurrency: 1, budget_usd: 1 })
    const running = await job(key, { prompt: 'A cat @delay=300' })
    const waiting = await job(key, { prompt: 'A dog' })
    expect(await jobState(key, waiting)).toMatchObject({ status: 'queued', queued_before: 0 })
    await operate('PATCH', '/teams/acme', { limits: { concurrency: 1, budget_usd: 0.001 } })
    await ended(key, running)
    expect(await ended(key, waiting)).toMatchObject({ status: 'failed', error: { code: 'budget_exhausted' } })
  })

  test('for a day after the update, if an earlier version accepted it', async () => {
    const [acme, other] = [await team('acme'), await team('other')]
    await askWith(SHARED, acme.key)
    const { id } = await (await askWith(SHARED, other.key, {}, ASYNC)).json<{ id: string }>()
    await runInDurableObject(env.TEAMS.getByName('other'), (_, { storage }) => storage.sql.exec('DROP TABLE jobs'))
    await evictAllDurableObjects()
    expect(await jobState(other.key, id)).toMatchObject({ status: 'succeeded' })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_000 })
    expect((await visit(other.key, `/v1/generations/${id}`)).status).toBe(404)
  })
})
