import { KEY } from '../support/gateway'

/** A request in parts, before any mutation. */
export interface Draft {
  /** The route as the table of counts names it. */
  route: string
  method: string
  path: string
  headers: Record<string, string>
  /** A JSON body, the parts of a form, or none. */
  json?: unknown
  form?: [name: string, value: string, fileName?: string][]
}

const ADMIN = { authorization: 'Bearer admin-token-of-the-tests' }
const BEARER = { authorization: `Bearer ${KEY}` }
const GOOGLE = { 'x-goog-api-key': KEY }
const AZURE = { 'api-key': KEY }

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
export const PNG_URL = `data:image/png;base64,${PNG}`
const WEB_URL = 'https://pictures.example.com/a.png'
const GENERATION = `gen_${'0'.repeat(64)}`

const post = (
  route: string,
  json: unknown,
  { headers = BEARER, path = route }: { headers?: Record<string, string>; path?: string } = {},
): Draft => ({
  route,
  method: 'POST',
  path,
  headers: { ...headers, 'content-type': 'application/json' },
  json,
})
const get = (route: string, path = route, headers: Record<string, string> = BEARER, method = 'GET'): Draft => ({
  route,
  method,
  path,
  headers,
})

const CAT = { model: 'gpt-image-2', prompt: 'A cat', quality: 'low', size: '1024x1024', response_format: 'url' }
const message = (content: unknown): object => ({ role: 'user', content })
const picture = { type: 'image_url', image_url: { url: PNG_URL } }
const chat = { model: 'gpt-image-2', messages: [message('A cat')] }
const contents = [{ role: 'user', parts: [{ text: 'A cat' }] }]
const config = { responseModalities: ['IMAGE'], imageConfig: { aspectRatio: '1:1', imageSize: '1K' } }
const tool = { type: 'image_generation', size: '1024x1024', quality: 'low' }

const IMAGES: Draft[] = [
  post('/v1/images/generations', CAT),
  post('/v1/images/generations', { ...CAT, n: 2, output_format: 'webp', output_compression: 50, background: 'auto' }),
  post('/v1/images/generations', { ...CAT, stream: true, partial_images: 1, user: 'u', moderation: 'low' }),
  post('/v1/images/edits', {
    ...CAT,
    images: [{ image_url: PNG_URL }, { image_url: WEB_URL }],
    mask: { image_url: PNG_URL },
  }),
  {
    route: '/v1/images/edits',
    method: 'POST',
    path: '/v1/images/edits',
    headers: BEARER,
    form: [
      ['model', 'gpt-image-2'],
      ['prompt', 'A cat'],
      ['image[]', atob(PNG), 'a.png'],
      ['mask', atob(PNG), 'm.png'],
      ['n', '1'],
    ],
  },
  post('/v1/images/variations', { ...CAT, images: [{ image_url: PNG_URL }] }),
  post('/openai/v1/images/generations', CAT, { headers: AZURE }),
  post(
    '/openai/deployments',
    { prompt: 'A cat' },
    {
      headers: AZURE,
      path: '/openai/deployments/gpt-image-2/images/generations?api-version=2025-04-01-preview',
    },
  ),
  post('/api/v1/images', { model: 'openai/gpt-image-2', prompt: 'A cat', aspect_ratio: '1:1', resolution: '1K' }),
  post('/api/v1/images', { model: 'gpt-image-2', prompt: 'A cat', input_references: [picture] }),
]

const TALKS: Draft[] = [
  post('/v1/chat/completions', { ...chat, size: '1024x1024', n: 1 }),
  post('/v1/chat/completions', {
    ...chat,
    messages: [message([{ type: 'text', text: 'A cat' }, picture])],
    stream: true,
  }),
  post('/v1/chat/completions', { model: 'talker', messages: [message('Hello')], max_tokens: 9, temperature: 0.5 }),
  post('/api/v1/chat/completions', {
    ...chat,
    modalities: ['image'],
    image_config: { aspect_ratio: '1:1' },
    stream: true,
  }),
  post('/v1/responses', { model: 'gpt-5.5', input: 'A cat', tools: [tool], tool_choice: 'required' }),
  post('/v1/responses', {
    model: 'gpt-image-2',
    input: [message([{ type: 'input_text', text: 'A cat' }])],
    tools: [tool],
    stream: true,
  }),
  post('/v1/responses', { model: 'talker', input: 'Hello', max_output_tokens: 9 }),
  ...['/v1beta/models/gpt-image-2:generateContent', '/v1/models/gpt-image-2:streamGenerateContent?alt=sse'].map(
    (path) => post(':generateContent', { contents, generationConfig: config }, { headers: GOOGLE, path }),
  ),
  post(
    ':generateContent',
    { contents: [{ parts: [{ text: 'A' }, { inlineData: { mimeType: 'image/png', data: PNG } }] }] },
    {
      headers: GOOGLE,
      path: '/v1beta/models/gpt-image-2:generateContent',
    },
  ),
  post('/v1/draw/completions', { model: 'gpt-image-2', prompt: 'A cat', aspectRatio: '1024x1024', urls: [WEB_URL] }),
  post('/v1/draw/nano-banana', {
    model: 'gpt-image-2',
    prompt: 'A cat',
    aspectRatio: '1:1',
    imageSize: '1K',
    webHook: '-1',
  }),
  post('/v1/api/generate', {
    model: 'gpt-image-2',
    prompt: 'A cat',
    aspectRatio: '1:1',
    imageSize: '1K',
    replyType: 'json',
  }),
  post('/v1/api/edit', { model: 'gpt-image-2', prompt: 'A cat', images: [PNG_URL], replyType: 'async' }),
]

const READS: Draft[] = [
  get('/health'),
  get('/v1/models'),
  get('/v1/models', '/v1/models/gpt-image-2'),
  get('/v1beta/models', '/v1beta/models?pageSize=2&pageToken=a', GOOGLE),
  get('/v1beta/models', '/v1beta/models/gpt-image-2', GOOGLE),
  get('/v1beta/models', `/v1beta/models?key=${KEY}`, {}),
  get('/v1/usage', '/v1/usage?from=2026-11-01&to=2026-11-30'),
  get('/v1/generations', '/v1/generations?limit=2&status=failed'),
  get('/v1/generations', `/v1/generations/${GENERATION}`),
  get('/v1/generations', `/v1/generations/${GENERATION}`, BEARER, 'DELETE'),
  get('/v1/generations', `/v1/generations/${GENERATION}/cancel`, BEARER, 'POST'),
  post('/v1/draw/result', { id: GENERATION }),
  get('/v1/api/result', `/v1/api/result?id=${GENERATION}`),
  get('/images', `/images/${GENERATION}/1-0.png?exp=9999999999&sig=00`),
  get('/images', `/images/${GENERATION}/1-0.png?exp=9999999999&sig=00`, BEARER, 'DELETE'),
  get('/nowhere'),
]

const OPERATIONS: Draft[] = [
  post(
    '/admin/api',
    { id: 'acme', name: 'Acme', plan: 'free', limits: { images_per_day: 5 } },
    { headers: ADMIN, path: '/admin/api/teams' },
  ),
  {
    ...post('/admin/api', { limits: { budget_usd: 5 } }, { headers: ADMIN, path: '/admin/api/teams/acme' }),
    method: 'PATCH',
  },
  post(
    '/admin/api',
    { name: 'a', limits: { max_n: 1 }, expires_at: '2027-01-01T00:00:00Z' },
    {
      headers: ADMIN,
      path: '/admin/api/teams/acme/keys',
    },
  ),
  {
    ...post(
      '/admin/api',
      { url: 'https://hooks.example.com/a' },
      { headers: ADMIN, path: '/admin/api/teams/acme/webhook' },
    ),
    method: 'PUT',
  },
  get('/admin/api', '/admin/api/teams?limit=2', ADMIN),
  get('/admin/api', '/admin/api/usage?team=acme&from=2026-11-01&format=csv', ADMIN),
  get('/admin/api', '/admin/api/audit?limit=3', ADMIN),
  get('/admin/api', '/admin/api/upstreams', ADMIN),
  get('/admin/api', '/admin/api/settings', ADMIN),
  get('/admin/api', '/admin/api/teams/acme/webhook/deliveries?status=failed', ADMIN),
]

/** A valid request of every route, in each of its forms. */
export const VALID_REQUESTS: readonly Draft[] = [...IMAGES, ...IMAGES, ...TALKS, ...TALKS, ...READS, ...OPERATIONS]
