import { listDurableObjectIds } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { OpenAI } from 'openai'
import { describe, expect, test, vi } from 'vitest'
import { errorOf, KEY, knock, openai } from '../support/gateway'
import { ringTeam } from '../support/alarms'
import { askWith } from '../support/settings'
import { ask, CAT, issue, operate, team, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const HOUR = 3_600_000
const WRONG = {
  status: 401,
  type: 'invalid_request_error',
  code: 'invalid_api_key',
  param: null,
  message: "Incorrect API key provided. Check it, or ask the gateway's operator for one.",
}

test.each(['acme', 'a', 'a-b', 'a-b-c', '0-0', 'a'.repeat(32)])('a key of team %s is accepted', async (id) => {
  const { key } = await team(id)
  expect(key).toMatch(new RegExp(`^sk-dr-${id}-[0-9a-f]{48}-[0-9a-f]{16}$`))
  expect((await ask(key)).status).toBe(200)
})

describe('a key is refused', () => {
  const everywhere = async (key: string): Promise<unknown[]> => {
    const paths = ['/v1/usage', '/v1/generations', '/v1/generations/gen_1']
    const answers = [await ask(key), await visit(key, '/images/gen_1/1-0.png', 'DELETE')]
    for (const path of paths) answers.push(await visit(key, path))
    answers.push(await visit(key, '/v1/generations/gen_1', 'DELETE'))
    return await Promise.all(answers.map(errorOf))
  }
  const nowhere = Array.from({ length: 6 }, () => WRONG)

  test('once it is revoked, even for a cached answer', async () => {
    const { key, id } = await team('acme')
    await ask(key)
    await operate('DELETE', `/teams/acme/keys/${id}`)
    expect(await everywhere(key)).toEqual(nowhere)
  })

  test('once it has expired', async () => {
    await team('acme')
    const { key } = await issue('acme', { expires_at: new Date(Date.now() + HOUR).toISOString() })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + HOUR - 1000 })
    expect((await ask(key)).status).toBe(200)
    vi.setSystemTime(Date.now() + 1000)
    expect(await everywhere(key)).toEqual(nowhere)
  })

  test('once its team is deleted, even with a new team of the same id', async () => {
    const { key } = await team('acme')
    await operate('DELETE', '/teams/acme')
    expect(await everywhere(key)).toEqual(nowhere)
    await vi.waitFor(async () => {
      await ringTeam('acme')
      expect((await operate('POST', '/teams', { id: 'acme' })).status).toBe(201)
    })
    expect(await everywhere(key)).toEqual(nowhere)
  })

  test('while other keys of its team are accepted', async () => {
    const { key, id } = await team('acme')
    const other = await issue('acme')
    await operate('DELETE', `/teams/acme/keys/${id}`)
    expect([(await ask(key)).status, (await ask(other.key)).status]).toEqual([401, 200])
  })

  test('with an error class of the SDK and without a retry', async () => {
    const { key, id } = await team('acme')
    await operate('DELETE', `/teams/acme/keys/${id}`)
    const asked = openai({ apiKey: key, maxRetries: 2 }).images.generate({ model: 'gpt-image-2', prompt: 'A cat' })
    await expect(asked).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
    expect(upstream.calls).toHaveLength(0)
  })
})

describe('a key that this gateway never issued', () => {
  const last = (text: string): string => (text.endsWith('0') ? '1' : '0')
  const forgeries: [string, (key: string) => string][] = [
    ['another team in it', (key) => key.replace('-acme-', '-other-')],
    ['a missing team in it', (key) => key.replace('-acme-', '-nobody-')],
    ['another secret', (key) => key.replace(/-\w{48}-/, `-${'0'.repeat(48)}-`)],
    ['another tag', (key) => key.slice(0, -1) + last(key)],
    ['no tag', (key) => key.replace(/-\w{16}$/, '')],
    ['one more part', (key) => `${key}-0`],
    ['capitals', (key) => key.toUpperCase()],
    ['nothing right', () => 'sk-proj-1234567890'],
    ['the name of an Object method', () => 'sk-dr-__proto__-0-0'],
  ]

  test.each(forgeries)('for having %s is refused before any object is called', async (_, forge) => {
    const { key } = await team('acme')
    await team('other')
    const objects = async (): Promise<string[]> => {
      const ids = [...(await listDurableObjectIds(env.TEAMS)), ...(await listDurableObjectIds(env.GENERATIONS))]
      return ids.map(String)
    }
    const before = await objects()
    const spies = [env.TEAMS, env.GENERATIONS, env.DIRECTORY].map((namespace) => vi.spyOn(namespace, 'getByName'))
    const [reads, listing] = [vi.spyOn(env.CACHE, 'get'), vi.spyOn(env.IMAGES, 'get')]
    for (const response of [await ask(forge(key)), await visit(forge(key), '/v1/usage')]) {
      expect(await errorOf(response)).toEqual(WRONG)
    }
    for (const spy of [...spies, reads, listing]) expect(spy).not.toHaveBeenCalled()
    expect(await objects()).toEqual(before)
    expect(upstream.calls).toHaveLength(0)
  })

  test('is one of another SIGNING_SECRET, although the isolate knows the key from before', async () => {
    const { key } = await team('acme')
    expect((await ask(key)).status).toBe(200)
    expect((await askWith({ SIGNING_SECRET: 'another-signing-secret-of-the-tests' }, key)).status).toBe(401)
    expect((await ask(key)).status).toBe(200)
  })

  test('is detected by these spies, unlike an issued one', async () => {
    const { key } = await team('acme')
    const spies = [env.TEAMS, env.GENERATIONS].map((namespace) => vi.spyOn(namespace, 'getByName'))
    await ask(key)
    for (const spy of spies) expect(spy).toHaveBeenCalled()
  })
})

test.each([
  ['no header', {}],
  ['no key', { authorization: 'Bearer ' }],
  ['another scheme', { authorization: 'Basic abc' }],
])('a request with %s is refused with the way to send a key', async (_, headers: Record<string, string>) => {
  const body = JSON.stringify(CAT)
  const response = await knock('/v1/images/generations', { method: 'POST', headers, body })
  expect(await errorOf(response)).toMatchObject({ status: 401, message: expect.stringContaining('Bearer YOUR_KEY') })
})

describe('the static key of the settings', () => {
  test('has a team that exists from its first use on, like any other', async () => {
    expect((await ask(KEY)).status).toBe(200)
    expect(await (await operate('GET', '/teams')).json()).toMatchObject({ data: [{ id: 'default' }] })
    expect((await operate('POST', '/teams', { id: 'default' })).status).toBe(409)
    await operate('PATCH', '/teams/default', { limits: { max_n: 1 } })
    expect((await ask(KEY, { n: 2 })).status).toBe(400)
    expect((await ask((await issue('default')).key)).headers.get('x-cache')).toBe('HIT')
  })

  test("is refused after that team's deletion, until an operator creates it", async () => {
    await ask(KEY)
    await operate('DELETE', '/teams/default')
    expect(await errorOf(await ask(KEY))).toEqual(WRONG)
    await vi.waitFor(async () => {
      await ringTeam('default')
      expect(await errorOf(await ask(KEY))).toEqual(WRONG)
      expect((await operate('POST', '/teams', { id: 'default' })).status).toBe(201)
    })
    expect((await ask(KEY)).status).toBe(200)
  })

  test('is in no list of keys and cannot be revoked', async () => {
    await ask(KEY)
    expect(await (await operate('GET', '/teams/default/keys')).json()).toEqual({ object: 'list', data: [] })
    expect((await operate('DELETE', '/teams/default/keys/key_static')).status).toBe(404)
  })
})
