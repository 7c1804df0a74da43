import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import worker from '../src/index'
import { KEY, ORIGIN } from './support/gateway'
import { ask, CAT, team } from './support/teams'
import { upstreams } from './support/upstreams'

upstreams()

const APP = 'https://app.example.com'
const SETTINGS = { CORS_ORIGINS: `${APP}, http://localhost:5173` }

interface Visit {
  origin?: string
  key?: string
  method?: string
  headers?: Record<string, string>
  body?: object
}

/** The answer of a Worker with these settings to a script of a page. */
async function from(
  settings: object,
  path: string,
  { origin = APP, key = KEY, ...rest }: Visit = {},
): Promise<Response> {
  const { method = rest.body ? 'POST' : 'GET', body, headers = {} } = rest
  const request = new Request(path.startsWith('/') ? ORIGIN + path : path, {
    method,
    headers: { origin, authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  return await worker.fetch(request, { ...env, ...settings }, createExecutionContext())
}

/** The preflight of a browser, which has no key. */
const preflight = (settings: object, path: string, headers: string, origin = APP): Promise<Response> =>
  from(settings, path, {
    origin,
    method: 'OPTIONS',
    key: '',
    headers: { 'access-control-request-method': 'POST', 'access-control-request-headers': headers },
  })

const allowed = (response: Response): string | null => response.headers.get('access-control-allow-origin')

describe('a page of an allowed origin', () => {
  test.each([
    ['/v1/images/generations', 'authorization,content-type,x-stainless-lang,x-stainless-retry-count,idempotency-key'],
    ['/openai/deployments/gpt-image-2/images/edits', 'api-key,content-type,x-stainless-os'],
    ['/api/v1/images', 'authorization,content-type,http-referer,x-openrouter-title'],
    ['/v1beta/models/gemini-3-pro-image:generateContent', 'x-goog-api-key,x-goog-api-client,x-server-timeout'],
    ['/images/some.png', 'authorization'],
  ])('may use %s with every header of its client', async (path, headers) => {
    const response = await preflight(SETTINGS, path, headers)
    expect([response.status, allowed(response)]).toEqual([204, APP])
    expect(response.headers.get('access-control-allow-headers')?.split(',')).toEqual(headers.split(','))
    expect(response.headers.get('access-control-allow-methods')).toMatch(/GET.*POST.*DELETE/)
    expect(response.headers.get('access-control-max-age')).toBe('86400')
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
    expect(response.headers.get('vary')).toContain('Origin')
  })

  test('reads a picture and every header of the answer', async () => {
    const { key } = await team('acme', { requests_per_minute: 100, images_per_day: 100 })
    const whole = { ...CAT, size: '1080x1080', response_format: 'b64_json' }
    const headers = { 'idempotency-key': 'once' }
    const [made, again] = [
      await from(SETTINGS, '/v1/images/generations', { key, body: whole, headers }),
      await from(SETTINGS, '/v1/images/generations', { key, body: whole, headers }),
    ]
    for (const response of [made, again]) {
      const exposed = response.headers.get('access-control-expose-headers')?.split(',') ?? []
      // Headers that every page may read (https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name).
      const known = [...exposed, 'cache-control', 'content-type', 'content-length', 'vary']
      const hidden = Array.from(response.headers.keys()).filter((name) => !known.includes(name))
      expect(hidden.filter((name) => !name.startsWith('access-control-'))).toEqual([])
      expect([allowed(response), response.headers.get('vary')]).toEqual([APP, 'Origin'])
      expect(await response.json()).toMatchObject({ data: [{ b64_json: expect.stringMatching(/^iVBOR/) }] })
    }
    expect([made, again].map(({ headers: told }) => told.get('x-cache'))).toEqual(['MISS', 'HIT'])
    expect(again.headers.get('access-control-expose-headers')).toContain('idempotent-replayed')
  })

  test('reads the shutdown date of a model', async () => {
    const MODELS = { 'gpt-image-2': { shutdown: { date: '9999-01-01', successor: 'gpt-image-3' } } }
    const response = await from({ ...SETTINGS, MODELS }, '/v1/images/generations', { body: CAT })
    await response.text()
    expect(response.headers.get('sunset')).toBe('Fri, 01 Jan 9999 00:00:00 GMT')
    expect(response.headers.get('warning')).toContain('gpt-image-3')
    const exposed = response.headers.get('access-control-expose-headers')?.split(',')
    expect(exposed).toEqual(expect.arrayContaining(['sunset', 'warning']))
  })

  test('reads a stream', async () => {
    const response = await from(SETTINGS, '/v1/images/generations', {
      body: { ...CAT, response_format: null, stream: true },
    })
    expect([response.headers.get('content-type'), allowed(response)]).toEqual(['text/event-stream', APP])
    expect(await response.text()).toContain('image_generation.completed')
  })

  test.each([
    ['a wrong key', '/v1/images/generations', { key: 'sk-dr-default-wrong', body: CAT }, 401],
    ['a parameter that is refused', '/v1/images/generations', { body: { ...CAT, n: 11 } }, 400],
    [
      'a prompt that the upstream rejects',
      '/v1/images/generations',
      { body: { ...CAT, prompt: '@fault=moderation' } },
      400,
    ],
    ['an unknown route', '/v2/images', {}, 404],
  ])('reads the reason of a failure: %s', async (_, path, visit, status) => {
    const response = await from(SETTINGS, path, visit)
    expect([response.status, allowed(response)]).toEqual([status, APP])
    expect(await response.json()).toMatchObject({ error: { message: expect.stringMatching(/\w/) } })
  })

  test('reads an image by its link', async () => {
    const { data } = await (await ask(KEY)).json<{ data: { url: string }[] }>()
    const response = await from(SETTINGS, data[0]?.url ?? '')
    expect([response.status, allowed(response), response.headers.get('vary')]).toEqual([200, APP, 'Origin'])
    expect(response.headers.get('access-control-expose-headers')).toContain('etag')
    await response.arrayBuffer()
  })
})

describe('a Worker with other settings wrong', () => {
  const broken = { ...SETTINGS, SIGNING_SECRET: undefined }

  test('still allows pages and shows them the reason', async () => {
    expect(allowed(await preflight(broken, '/v1/images/generations', 'authorization'))).toBe(APP)
    const response = await from(broken, '/v1/images/generations', { body: CAT })
    expect([response.status, allowed(response)]).toEqual([500, APP])
    expect(await response.text()).toContain('settings of this gateway are wrong')
  })
})

describe('no page', () => {
  test.each([['https://app.example.com.evil.example'], ['http://app.example.com'], ['null']])(
    'of %s is allowed unless its origin is listed',
    async (origin) => {
      expect(allowed(await preflight(SETTINGS, '/v1/images/generations', 'authorization', origin))).toBeNull()
      const response = await from(SETTINGS, '/v1/usage', { origin })
      expect([response.status, allowed(response), response.headers.get('vary')]).toEqual([200, null, 'Origin'])
    },
  )

  test.each([
    ['without settings', {}, '/v1/usage'],
    ['for the admin API', SETTINGS, '/admin/api/teams'],
    ['for the admin API, though every origin may use the rest', { CORS_ORIGINS: '*' }, '/admin/api/teams'],
  ])('is allowed %s', async (_, settings, path) => {
    const asked = await preflight(settings, path, 'authorization')
    const response = await from(settings, path)
    expect([asked.ok, allowed(asked), allowed(response), response.headers.get('vary')]).toEqual([
      false,
      null,
      null,
      null,
    ])
  })
})

test('* allows every page without repeating its origin', async () => {
  const everywhere = { CORS_ORIGINS: '*' }
  const asked = await preflight(everywhere, '/v1/images/generations', 'authorization', 'null')
  expect([asked.status, allowed(asked)]).toEqual([204, '*'])
  const response = await from(everywhere, '/v1/images/generations', { body: CAT, origin: 'https://any.example' })
  expect([response.status, allowed(response), response.headers.get('vary')]).toEqual([200, '*', null])
  await response.text()
})
