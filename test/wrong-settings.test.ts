import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import worker from '../src/index'
import { configOf } from '../src/config'

const ADMIN_TOKEN = 'admin-token-of-the-tests'
const SECRET = 'signing-secret-of-the-tests-32-characters'
/** A credential that an operator put into a wrong place. */
const PASTED = 'sk-proj-Ab3dEf6hIj9lMn2p'

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

const OPENAI = { name: 'a', provider: 'openai', secret: 'KEY_A' }
const upstream = (fields: object, more: object = {}): object => ({
  KEY_A: 'sk-a',
  UPSTREAMS: [{ ...OPENAI, ...fields }],
  ...more,
})
const model = (fields: object): object => ({ MODELS: { a: fields } })
const plan = (fields: object): object => ({ PLANS: { a: fields } })

const CASES: [title: string, changed: object, fault: string][] = [
  [
    'no signing secret',
    { SIGNING_SECRET: undefined },
    'SIGNING_SECRET is not set: set it with npx wrangler secret put',
  ],
  ['a blank signing secret', { SIGNING_SECRET: '  ' }, 'SIGNING_SECRET is not set'],
  ['a short signing secret', { SIGNING_SECRET: 'short' }, 'SIGNING_SECRET is wrong: needs at least 32 characters'],
  ['a key with a blank', { GATEWAY_KEY: 'a key with some blanks' }, 'GATEWAY_KEY is wrong: is to have printable ASCII'],
  [
    'a key with a line break',
    { GATEWAY_KEY: 'sk-dr-default-tests\n' },
    'GATEWAY_KEY is wrong: is to have printable ASCII',
  ],
  ['a key beyond ASCII', { GATEWAY_KEY: 'schlüssel-des-torwegs' }, 'GATEWAY_KEY is wrong: is to have printable ASCII'],
  ['the token as key', { GATEWAY_KEY: ADMIN_TOKEN }, 'GATEWAY_KEY is equal to ADMIN_TOKEN: set another value'],
  ['the signing secret as key', { GATEWAY_KEY: SECRET }, 'GATEWAY_KEY is equal to SIGNING_SECRET: set another value'],
  ['upstreams that are no JSON', { UPSTREAMS: '[{' }, 'UPSTREAMS is wrong: is not valid JSON'],
  ['upstreams that are no list', { UPSTREAMS: '{}' }, 'UPSTREAMS is wrong: Invalid input: expected array'],
  [
    'an unknown provider',
    upstream({ provider: 'nobody' }),
    'UPSTREAMS.0.provider is wrong: Invalid option: expected one of',
  ],
  ['an unknown field', upstream({ sceret: 'S' }), 'UPSTREAMS.0 has the unknown field sceret: see docs/settings.md'],
  ['a name with blanks', upstream({ name: 'a b' }), 'UPSTREAMS.0.name is wrong: a name has only letters, digits'],
  ['a credential as name', upstream({ name: PASTED }), 'UPSTREAMS.0.name is wrong: a name is shown to clients'],
  [
    'a credential as secret',
    upstream({ secret: PASTED }),
    'UPSTREAMS.0.secret is wrong: is to be the name of a secret',
  ],
  [
    'a credential in capitals',
    upstream({ secret: 'AKIA7Q3K9X2M4N8P1R5T' }),
    'UPSTREAMS.0.secret is wrong: is to be the name',
  ],
  [
    'a credential as field',
    upstream({ [PASTED]: 1 }),
    'UPSTREAMS.0 has the unknown field (a name that looks like a secret)',
  ],
  [
    'a secret that is missing',
    { UPSTREAMS: [{ ...OPENAI, secret: 'NOT_THERE' }] },
    'UPSTREAMS, entry a, needs the secret NOT_THERE: set it',
  ],
  [
    'a secret that is blank',
    upstream({}, { KEY_A: ' , ' }),
    'UPSTREAMS, entry a, needs the secret KEY_A: set it with npx',
  ],
  ['no secret', upstream({ secret: undefined }), 'UPSTREAMS, entry a, needs a secret'],
  [
    "the gateway's token",
    upstream({ secret: 'ADMIN_TOKEN' }),
    'UPSTREAMS.0.secret names ADMIN_TOKEN, a setting of the gateway',
  ],
  [
    "the gateway's variable",
    upstream({ secret: 'CACHE_SCOPE' }),
    'UPSTREAMS.0.secret names CACHE_SCOPE, a setting of the gateway',
  ],
  [
    "the gateway's key by value",
    upstream({}, { KEY_A: 'sk-b,sk-dr-default-tests' }),
    "KEY_A is equal to GATEWAY_KEY: set the upstream's own",
  ],
  [
    'a credential with a blank',
    upstream({}, { KEY_A: 'sk-a sk-b' }),
    'KEY_A is to have printable ASCII characters alone',
  ],
  [
    'a well-known one with a break',
    { UPSTREAMS: undefined, OPENAI_API_KEY: 'sk-a\nsk-b' },
    'OPENAI_API_KEY is to have printable ASCII',
  ],
  [
    'a URL that is none',
    upstream({ base_url: 'relay.example' }),
    'UPSTREAMS.0.base_url is wrong: is to be an http or https URL',
  ],
  [
    'a URL with a user',
    upstream({ base_url: `https://u:${PASTED}@relay.example` }),
    'UPSTREAMS.0.base_url is wrong: is to have no user name',
  ],
  [
    'a URL with a query',
    upstream({ base_url: `https://relay.example/v1?key=${PASTED}` }),
    'UPSTREAMS, entry a, is to have a base_url without a query',
  ],
  [
    'a URL with a fragment',
    upstream({ base_url: 'https://relay.example/#v1' }),
    'UPSTREAMS.0.base_url is wrong: is to have no fragment',
  ],
  ['no URL', upstream({ provider: 'azure-openai' }), 'UPSTREAMS, entry a, needs a base_url'],
  [
    'two of a name',
    { KEY_A: 'sk-a', UPSTREAMS: [OPENAI, OPENAI] },
    'UPSTREAMS has two entries with the name a: give each',
  ],
  [
    'the name of the demo',
    upstream({ name: 'demo' }, { DEMO_UPSTREAM: true }),
    'UPSTREAMS has two entries with the name demo',
  ],
  ['no models', upstream({ models: [] }), 'UPSTREAMS.0.models is wrong: Too small'],
  ['a pattern with a name', upstream({ models: ['a-*=b'] }), 'UPSTREAMS.0.models.0 is wrong: a model is "name"'],
  ['a priority with decimals', upstream({ priority: 0.5 }), 'UPSTREAMS.0.priority is wrong'],
  ['no weight', upstream({ weight: 0 }), 'UPSTREAMS.0.weight is wrong: Too small'],
  ['too much weight', upstream({ weight: 1e6 }), 'UPSTREAMS.0.weight is wrong: Too big: expected number to be <=1000'],
  ['no concurrency', upstream({ max_concurrency: 0 }), 'UPSTREAMS.0.max_concurrency is wrong: Too small'],
  ['no requests', upstream({ requests_per_minute: 0 }), 'UPSTREAMS.0.requests_per_minute is wrong: Too small'],
  ['a time-out of nothing', upstream({ timeout_seconds: 1e-9 }), 'UPSTREAMS.0.timeout_seconds is wrong: Too small'],
  ['a time-out of hours', upstream({ timeout_seconds: 7200 }), 'UPSTREAMS.0.timeout_seconds is wrong: Too big'],
  ['a wrong price', upstream({ prices: { x: { token: 1 } } }), 'UPSTREAMS.0.prices.x is wrong: prices are'],
  ['models that are no table', { MODELS: '["a"]' }, 'MODELS is wrong: Invalid input: expected record'],
  ['a model without a name', { MODELS: { '': {} } }, 'MODELS. is wrong: is to be a name without line breaks'],
  ['an unknown field in a model', model({ size: 'any' }), 'MODELS.a has the unknown field size'],
  ['a model like an unknown one', model({ like: 'b' }), 'MODELS.a.like is wrong: is no model of the catalogue'],
  ['a size of another form', model({ sizes: ['big'] }), 'MODELS.a.sizes.0 is wrong: sizes are'],
  ['an empty list', model({ qualities: [] }), 'MODELS.a.qualities is wrong: Too small'],
  ['a price below nothing', model({ prices: { image: -1 } }), 'MODELS.a.prices is wrong: prices are'],
  ['a price beyond sums', model({ prices: { image: 1e15 } }), 'MODELS.a.prices is wrong: prices are'],
  [
    'a day outside the calendar',
    model({ shutdown: { date: '2027-02-30', successor: 'b' } }),
    'MODELS.a.shutdown.date is wrong',
  ],
  [
    'a successor of itself',
    model({ shutdown: { date: '2027-02-01', successor: 'a' } }),
    'MODELS.a.shutdown.successor is the model itself',
  ],
  [
    'an alias of an alias',
    { MODEL_ALIASES: { a: 'b', b: 'gpt-image-2' } },
    'MODEL_ALIASES.a leads to another alias: name the model',
  ],
  ['an alias of nothing', { MODEL_ALIASES: { a: '' } }, 'MODEL_ALIASES.a is wrong: is to be a name'],
  ['a flag that is none', { DEMO_UPSTREAM: 'perhaps' }, 'DEMO_UPSTREAM is wrong: is to be true or false'],
  [
    'a demo beyond its time-out',
    { DEMO_DELAY_MS: 400_000 },
    'DEMO_DELAY_MS is wrong: Too big: expected number to be <=240000',
  ],
  [
    'a cache life below that of KV',
    { CACHE_TTL_SECONDS: '5' },
    'CACHE_TTL_SECONDS is wrong: Too small: expected number to be >=60',
  ],
  [
    'a cache life beyond 32 bits',
    { CACHE_TTL_SECONDS: 9_999_999_999 },
    'CACHE_TTL_SECONDS is wrong: Too big: expected number to be <=315360000',
  ],
  ['a number in words', { CACHE_TTL_SECONDS: 'a day' }, 'CACHE_TTL_SECONDS is wrong: Invalid input: expected number'],
  [
    'an unknown scope',
    { CACHE_SCOPE: 'world' },
    'CACHE_SCOPE is wrong: Invalid option: expected one of "team"|"shared"',
  ],
  ['links without end', { IMAGE_URL_TTL_SECONDS: 1e12 }, 'IMAGE_URL_TTL_SECONDS is wrong: Too big'],
  ['images kept for centuries', { IMAGE_RETENTION_DAYS: 1e6 }, 'IMAGE_RETENTION_DAYS is wrong: Too big'],
  [
    'answers that outlive images',
    { CACHE_TTL_SECONDS: 31 * 86_400 },
    'IMAGE_RETENTION_DAYS is shorter than CACHE_TTL_SECONDS',
  ],
  [
    'links that outlive images',
    { IMAGE_URL_TTL_SECONDS: 31 * 86_400 },
    'IMAGE_RETENTION_DAYS is shorter than IMAGE_URL_TTL_SECONDS',
  ],
  ['a limit of another kind', plan({ requests_per_day: 'many' }), 'PLANS.a.requests_per_day is wrong: Invalid input'],
  ['an unknown limit', plan({ pictures_per_day: 5 }), 'PLANS.a has the unknown field pictures_per_day'],
  ['a budget beyond sums', plan({ budget_usd: 1e12 }), 'PLANS.a.budget_usd is wrong: Too big'],
  ['a burst alone', plan({ burst: 5 }), 'PLANS.a is wrong: A burst needs requests_per_minute as well'],
  [
    'an unknown plan',
    { DEFAULT_PLAN: PASTED },
    'DEFAULT_PLAN is none of the plans: set one of unlimited, free, tier1, tier2',
  ],
  ['credits for nothing', { CREDITS_PER_USD: 0 }, 'CREDITS_PER_USD is wrong: Too small'],
  ['credits beyond sums', { CREDITS_PER_USD: 1e12 }, 'CREDITS_PER_USD is wrong: Too big'],
  ['bodies of nothing', { MAX_BODY_BYTES: 1 }, 'MAX_BODY_BYTES is wrong: Too small: expected number to be >=1024'],
  ['bodies without end', { MAX_BODY_BYTES: 1e15 }, 'MAX_BODY_BYTES is wrong: Too big'],
  [
    'a heartbeat without a pause',
    { HEARTBEAT_AFTER_SECONDS: 1e-6 },
    'HEARTBEAT_AFTER_SECONDS is wrong: is to be 0, or at least',
  ],
  ['a wait of hours', { QUEUE_WAIT_SECONDS: 7200 }, 'QUEUE_WAIT_SECONDS is wrong: Too big'],
  ['a path in an origin', { CORS_ORIGINS: 'https://a.example/b' }, "CORS_ORIGINS is wrong: is to be '*', or origins"],
  ['a pattern of origins', { CORS_ORIGINS: 'https://*.example' }, "CORS_ORIGINS is wrong: is to be '*', or origins"],
  ['an origin without its scheme', { CORS_ORIGINS: '*, a.example' }, "CORS_ORIGINS is wrong: is to be '*', or origins"],
]

let logged: string[]
beforeEach(() => {
  logged = []
  vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => void logged.push(...words.map(String)))
  return () => void vi.restoreAllMocks()
})

describe('a Worker with wrong settings', () => {
  test.each(CASES)('names the setting to its operator: %s', async (_, changed, fault) => {
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
