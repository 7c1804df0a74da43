import { describe, expect, test, vi } from 'vitest'
import { errorOf } from '../support/gateway'
import { ask, type IssuedKey, issue, operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

const HOUR = 3_600_000
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString()

interface Listed {
  data: { id: string; name: string; status: string }[]
}
const listed = async (): Promise<Listed['data']> => {
  const { data } = await (await operate('GET', '/teams/acme/keys')).json<Listed>()
  return data
}

describe('a new key', () => {
  test('is shown once, with all of its fields', async () => {
    await team('acme')
    const expires_at = inMs(HOUR)
    const body = { name: 'laptop', limits: { max_n: 2, budget_usd: null }, expires_at }
    const response = await operate('POST', '/teams/acme/keys', body)
    expect([response.status, response.headers.get('cache-control')]).toEqual([201, 'no-store'])
    expect(await response.json()).toEqual({
      object: 'key',
      id: expect.stringMatching(/^key_[0-9a-f]{16}$/),
      key: expect.stringMatching(/^sk-dr-acme-[0-9a-f]{48}-[0-9a-f]{16}$/),
      ...body,
      fresh: null,
      status: 'active',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      revoked_at: null,
    })
  })

  test('needs a name and nothing else', async () => {
    await team('acme')
    expect(await errorOf(await operate('POST', '/teams/acme/keys'))).toMatchObject({ status: 400, param: 'name' })
    const made = await operate('POST', '/teams/acme/keys', { name: 'a', expires_at: null })
    expect(await made.json()).toMatchObject({ limits: {}, expires_at: null })
  })

  test('takes an expiry in any time zone', async () => {
    await team('acme')
    const made = await operate('POST', '/teams/acme/keys', { name: 'a', expires_at: '2027-01-31T01:00:00+02:00' })
    expect(await made.json()).toMatchObject({ expires_at: '2027-01-30T23:00:00.000Z' })
  })

  test('is shown by no later answer, in text or as a hash', async () => {
    const { key, id } = await team('acme')
    await (await ask(key)).arrayBuffer()
    await operate('PATCH', `/teams/acme/keys/${id}`, { name: 'renamed' })
    await operate('DELETE', `/teams/acme/keys/${id}`)
    const [, secret = 'none', tag = 'none'] = /^sk-dr-acme-(\w+)-(\w+)$/.exec(key) ?? []
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))
    const hash = new Uint8Array(digest).toHex()
    for (const path of ['/teams/acme/keys', '/teams/acme', '/audit', '/usage', `/audit?key=${id}`]) {
      const told = await (await operate('GET', path)).text()
      for (const hidden of [secret, tag, hash]) expect(told).not.toContain(hidden)
    }
  })
})

describe('the list of keys', () => {
  test('has every key of the team, the newest first', async () => {
    await team('acme')
    const made: IssuedKey[] = []
    for (const name of ['first', 'second', 'third']) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1000 })
      made.push(await issue('acme', { name, ...(name === 'second' ? { expires_at: inMs(HOUR) } : {}) }))
    }
    await operate('DELETE', `/teams/acme/keys/${made[0]?.id}`)
    vi.setSystemTime(Date.now() + HOUR)
    const told = (await listed()).map(({ name, status }) => [name, status])
    expect(told).toEqual([
      ['third', 'active'],
      ['second', 'expired'],
      ['first', 'revoked'],
      ['test', 'active'],
    ])
  })

  test('has the keys of its team alone', async () => {
    const { id } = await team('acme')
    await team('acme-two')
    expect((await listed()).map((key) => key.id)).toEqual([id])
  })
})

describe('a change of a key', () => {
  test('keeps the fields that it does not name', async () => {
    await team('acme')
    const { id } = await issue('acme', { name: 'a', limits: { max_n: 2 }, expires_at: '2027-01-31T00:00:00.000Z' })
    const renamed = { name: 'b', limits: { max_n: 2 }, expires_at: '2027-01-31T00:00:00.000Z' }
    expect(await (await operate('PATCH', `/teams/acme/keys/${id}`, { name: 'b' })).json()).toMatchObject(renamed)
    expect(await (await operate('PATCH', `/teams/acme/keys/${id}`, {})).json()).toMatchObject(renamed)
  })

  test('replaces all limits when it names `limits`', async () => {
    await team('acme')
    const { id } = await issue('acme', { limits: { max_n: 2, images_per_day: 5 } })
    const limits = { concurrency: 1 }
    const changed = await (await operate('PATCH', `/teams/acme/keys/${id}`, { limits })).json<{ limits: unknown }>()
    expect(changed.limits).toEqual(limits)
  })

  test('lifts or sets an expiry, effective from the next request', async () => {
    const { key, id } = await team('acme')
    const statuses: number[] = []
    for (const expires_at of [inMs(-1000), inMs(HOUR), inMs(0), null]) {
      expect((await operate('PATCH', `/teams/acme/keys/${id}`, { expires_at })).status).toBe(200)
      statuses.push((await ask(key)).status)
    }
    expect(statuses).toEqual([401, 200, 401, 200])
  })

  test('leaves a revoked key revoked', async () => {
    const { key, id } = await team('acme')
    await operate('DELETE', `/teams/acme/keys/${id}`)
    const changed = await operate('PATCH', `/teams/acme/keys/${id}`, { name: 'again', expires_at: null, limits: {} })
    expect(await changed.json()).toMatchObject({ status: 'revoked' })
    expect((await ask(key)).status).toBe(401)
  })
})

test('a second revocation keeps the first time', async () => {
  const { id } = await team('acme')
  const revoked = await (await operate('DELETE', `/teams/acme/keys/${id}`)).json<{ revoked_at: string }>()
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + HOUR })
  const again = await operate('DELETE', `/teams/acme/keys/${id}`)
  expect(await again.json()).toMatchObject({ status: 'revoked', revoked_at: revoked.revoked_at })
})
