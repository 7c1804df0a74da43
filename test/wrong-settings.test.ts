import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import worker from '../src/index'
import { configOf } from '../src/config'
import { ADMIN_TOKEN, PASTED, SECRET, WRONG_SETTINGS, model, upstream } from './support/wrong-settings'

const fetched = (changed: object, path: string, init: RequestInit = {}): Promise<Response> | Response =>
  worker.fetch(
    new Request(`https://darkroom.example.net${path}`, init),
    { ...env, UPSTREAMS: '[]', ...changed },
    createExecutionContext(),
  )

interface SettingsJson {
  status: string
  faults: { setting: string; fault: string }[]
}
async function faultsWith(changed: object): Promise<string[]> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
  const response = await fetched(changed, '/admin/api/settings', { headers })
  const { status, faults } = await response.json<SettingsJson>()
  expect([response.status, status]).toEqual([200, faults.length > 0 ? 'wrong' : 'right'])
  return faults.map(({ setting, fault }) => `${setting} ${fault}`)
}

let logged: string[]
beforeEach(() => {
  logged = []
  vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => void logged.push(...words.map(String)))
  return () => void vi.restoreAllMocks()
})

describe('a Worker with wrong settings', () => {
  test.each(WRONG_SETTINGS)('names the setting to its operator: %s', async (_, changed, fault) => {
    if (!('SIGNING_SECRET' in changed && changed.SIGNING_SECRET === undefined))
      expect(await faultsWith(changed)).toEqual([expect.stringContaining(fault)])
    await fetched(changed, '/v1/images/generations', { method: 'POST' })
    const event: unknown = JSON.parse(logged.at(-1) ?? '')
    expect(event).toMatchObject({ event: 'config-refused', error: expect.stringContaining(fault) })
    expect(logged.join('\n')).not.toMatch(/Ab3dEf|AKIA7Q|sk-a|sk-b/)
  })

  test('names every fault at once', async () => {
    const changed = { CACHE_SCOPE: 'world', GATEWAY_KEY: 'short', ...model({ like: 'b' }) }
    expect((await faultsWith(changed)).map((fault) => fault.split(' ')[0])).toEqual([
      'GATEWAY_KEY',
      'MODELS.a.like',
      'CACHE_SCOPE',
    ])
  })

  test.each(['/v1/images/generations', '/v1beta/models', '/admin/api/teams', '/v1/draw/result'])(
    'says no more than that at %s, and serves /health',
    async (path) => {
      const changed = upstream({ secret: PASTED })
      const refused = await fetched(changed, path, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })
      expect([refused.status, refused.headers.get('x-should-retry')]).toEqual([500, 'false'])
      const words = await refused.text()
      expect(words).toContain('The settings of this gateway are wrong, so that it serves nothing. Its operator finds')
      expect(words).not.toMatch(/UPSTREAMS|Ab3dEf/)
      const health = await fetched(changed, '/health')
      expect(await health.json()).toMatchObject({ status: 'alive', gateway: 'darkroom' })
    },
  )

  test.each([
    ['no token', {}, {}],
    ['another token', {}, { authorization: `Bearer ${PASTED}` }],
    ['the token, if it is one of the faults', { ADMIN_TOKEN: 'short' }, { authorization: 'Bearer short' }],
    ['no token, if none is set', { ADMIN_TOKEN: '' }, { authorization: 'Bearer ' }],
  ])('hides the faults from a caller with %s', async (_, changed, headers: Record<string, string>) => {
    const refused = await fetched({ CACHE_SCOPE: 'world', ...changed }, '/admin/api/settings', { headers })
    expect([refused.status, await refused.text()]).toEqual([401, expect.not.stringContaining('CACHE_SCOPE')])
  })
})

describe('settings that are right', () => {
  test('have no faults', async () => {
    expect(await faultsWith({})).toEqual([])
  })

  test('may be blank, as the deploy button leaves them', () => {
    const names = ['GATEWAY_KEY', 'UPSTREAMS', 'MODEL_ALIASES', 'MODELS', 'DEMO_UPSTREAM', 'CACHE_TTL_SECONDS']
    const more = ['CACHE_SCOPE', 'IMAGE_RETENTION_DAYS', 'PLANS', 'DEFAULT_PLAN', 'CREDITS_PER_USD', 'OPENAI_API_KEY']
    const last = ['MAX_BODY_BYTES', 'HEARTBEAT_AFTER_SECONDS', 'ALLOW_PRIVATE_URLS', 'CORS_ORIGINS']
    const blanks = Object.fromEntries([...names, ...more, ...last].map((name, at) => [name, at % 2 === 0 ? '' : ' ']))
    const read = (set: object): string => JSON.stringify(configOf({ ADMIN_TOKEN, SIGNING_SECRET: SECRET, ...set }))
    expect(read(blanks)).toBe(read({}))
  })

  test("may have a version in Azure's address, and the longest times", async () => {
    const base_url = 'https://us.openai.azure.com/?api-version=2025-04-01-preview'
    const times = { CACHE_TTL_SECONDS: 315_360_000, IMAGE_URL_TTL_SECONDS: 315_360_000, IMAGE_RETENTION_DAYS: 3650 }
    expect(await faultsWith(upstream({ provider: 'azure-openai', base_url, timeout_seconds: 840 }, times))).toEqual([])
  })
})

describe('a name that only resembles a credential is taken', () => {
  const named = (changed: object): object => ({
    ...env,
    UPSTREAMS: [
      { name: 'relay', provider: 'openai', secret: 'RELAY_KEY', base_url: 'https://relay.example.com/v1', ...changed },
    ],
    RELAY_KEY: 'sk-a',
  })

  test.each([
    'fal-backup-2',
    'hf-router-2',
    'org-main',
    'sk-relay',
    'run-pod-4090',
    'acct-main-1',
    'fal.ai',
    '302.ai',
    'aihubmix.com',
  ])('of an upstream: %s', (name) => {
    expect(configOf(named({ name })).upstreams[0]?.name).toBe(name)
  })

  test.each(['XAI_API_KEY_2', 'HF_TOKEN_2', 'FAL_KEY_BACKUP2', 'ORG_OPENAI_KEY', 'KEY_OPENAI_2', 'USER_KEY_10'])(
    'of a secret: %s',
    (secret) => {
      expect(configOf({ ...named({ secret }), [secret]: 'sk-b' }).upstreams[0]?.credential).toBe('sk-b')
    },
  )
})
