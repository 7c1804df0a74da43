import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { errorOf } from '../support/gateway'
import { draw } from '../support/grsai'
import { at, NOON, orderOf, reserve, settle, settled } from '../support/orders'
import { receivers, send } from '../support/receiver'
import { settings } from '../support/settings'
import { ask, issue, team, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { HOOK } from '../support/webhooks'

settings({ LISTS_PER_MINUTE: 3, WEBHOOKS_PER_MINUTE: 2 })

const { upstream } = upstreams()
const { hooks } = receivers(upstream)

describe('lists and reports of a key', () => {
  test('are limited by the minute together, and other keys and requests are not', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    const { key } = await team('acme', { requests_per_minute: 9 })
    const other = await issue('acme')
    for (const path of ['/v1/usage', '/v1/generations', '/v1/models']) expect((await visit(key, path)).status).toBe(200)
    for (const path of ['/v1/usage', '/v1/generations', '/v1/models/gpt-image-2']) {
      const refused = await visit(key, path)
      expect(refused.headers.get('retry-after')).toBe('60')
      expect(await errorOf(refused)).toMatchObject({
        status: 429,
        code: 'rate_limit_exceeded',
        message: 'Rate limit reached for this key: 3 lists and reports per minute. Try again in 60s.',
      })
    }
    expect((await visit(other.key, '/v1/usage')).status).toBe(200)
    const made = await ask(key)
    expect([made.status, made.headers.get('x-ratelimit-remaining-requests')]).toEqual([200, '8'])
    vi.setSystemTime(Date.now() + 60_000)
    expect((await visit(key, '/v1/usage')).status).toBe(200)
  })

  test('count with a wrong query, too', async () => {
    const { key } = await team('acme')
    const statuses: number[] = []
    for (let asked = 0; asked < 4; asked++) statuses.push((await visit(key, '/v1/generations?limit=0')).status)
    expect(statuses).toEqual([400, 400, 400, 429])
  })

  test('read a bounded part of the ledger for each page', async () => {
    at(NOON)
    const acme = await team('acme')
    await reserve(orderOf(acme))
    await settle(settled({ images: [] }))
    await runInDurableObject(env.TEAMS.getByName('acme'), (_, { storage }) => {
      const names = Object.keys(storage.sql.exec('SELECT * FROM ledger').one())
      const columns = names.filter((name) => !['id', 'operation', 'started_ms'].includes(name)).join(', ')
      storage.sql.exec(`
        WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < 1500)
        INSERT INTO ledger (id, operation, started_ms, ${columns})
        SELECT 'run_' || (10000 + i), 'text', started_ms + i, ${columns} FROM number, (SELECT * FROM ledger)`)
    })
    const list = async (query: string): Promise<unknown> =>
      await (await visit(acme.key, `/v1/generations${query}`)).json()
    const first = await list(`?key=${acme.id}`)
    expect(first).toMatchObject({ data: [], has_more: true })
    const cursor = `${NOON + 501}.run_10501`
    expect(first).toMatchObject({ next_cursor: cursor })
    expect(await list(`?key=${acme.id}&cursor=${cursor}`)).toMatchObject({
      data: [{ prompt: 'A cat' }],
      has_more: false,
    })
  })
})

describe('webhook URLs of requests', () => {
  test('are limited by the minute for each key, hits included, before anything begins', async () => {
    const { key } = await team('acme')
    await ask(key)
    const statuses: number[] = []
    for (const path of ['one', 'two', 'three'])
      statuses.push((await ask(key, {}, { 'x-webhook-url': `${HOOK}/${path}` })).status)
    expect(statuses).toEqual([200, 200, 429])
    const refused = await ask(key, { prompt: 'A dog' }, { 'x-webhook-url': HOOK })
    expect(await errorOf(refused)).toMatchObject({
      status: 429,
      code: 'rate_limit_exceeded',
      message: expect.stringContaining('2 requests with a webhook URL per minute'),
    })
    await draw({ webHook: HOOK }, key)
    await send()
    expect([hooks.got.length, upstream.calls.length]).toEqual([2, 1])
    expect((await ask(key)).status).toBe(200)
    expect((await ask((await issue('acme')).key, {}, { 'x-webhook-url': HOOK })).status).toBe(200)
  })
})
