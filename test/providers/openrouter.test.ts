import { describe, expect, test } from 'vitest'
import { configOf } from '../../src/config'
import { openrouterProvider } from '../../src/providers/openrouter'
import { candidates } from '../../src/upstreams/candidates'
import { catalogue } from '../catalog/requests'
import { FakeOpenrouter } from '../support/fake-openrouter'
import { openai, post } from '../support/gateway'
import { dataUrlOf, picture } from '../support/pictures'
import { playing } from '../support/playing'
import { environment } from '../support/settings'

const [upstream] = playing(new FakeOpenrouter())

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: 'gpt-image-2', prompt, ...more })

test("a request has the model's name there, and its cost is used", async () => {
  const response = await ask('A cat')
  expect([response.status, response.headers.get('x-cost-usd')]).toEqual([200, '0.067200'])
  const { data } = await response.json<{ data: { b64_json: string }[] }>()
  expect(data[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
  expect(upstream.sent[0]).toMatchObject({
    method: 'POST',
    path: '/api/v1/images',
    headers: { authorization: 'Bearer key-of-the-fake', 'content-type': 'application/json' },
  })
  expect(upstream.sent.map(({ body }) => body)).toEqual([{ model: 'openai/gpt-image-2', prompt: 'A cat' }])
})

test('a request is sent whole', async () => {
  const more = { n: 3, size: '1536x1024', quality: 'high', background: 'opaque', user: 'ann' }
  const response = await ask('A cat', more)
  expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(3)
  expect(upstream.sent[0]?.body).toEqual({
    model: 'openai/gpt-image-2',
    prompt: 'A cat',
    n: 3,
    aspect_ratio: '3:2',
    quality: 'high',
    background: 'opaque',
    user: 'ann',
  })
})

test.each([
  ['1376x768', { aspect_ratio: '16:9' }],
  ['4096x4096', { aspect_ratio: '1:1', resolution: '4K' }],
])('a size of Google’s, %s, is sent as its shape', async (size, shape) => {
  await ask('A cat', { model: 'gemini-3-pro-image', size })
  expect(upstream.sent[0]?.body).toEqual({ model: 'google/gemini-3-pro-image', prompt: 'A cat', ...shape })
})

test('a model of Google’s makes one picture per call', async () => {
  const response = await ask('A cat', { model: 'gemini-3-pro-image', n: 2 })
  expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
  const body = { model: 'google/gemini-3-pro-image', prompt: 'A cat' }
  expect(upstream.sent.map((each) => each.body)).toEqual([body, body])
})

test('an unknown model has the abilities of the API', async () => {
  const model = 'bytedance-seed/seedream-4.5'
  const more = { size: '2000x1000', output_format: 'webp', output_compression: 50, background: 'transparent' }
  const answer = await post('/api/v1/images', { model, prompt: 'A cat', seed: 7, quality: 'max', ...more })
  expect(answer.status).toBe(200)
  expect(upstream.sent[0]?.body).toEqual({ model, prompt: 'A cat', seed: 7, quality: 'max', ...more })
})

test('pictures to edit are sent as references', async () => {
  const bytes = [await picture('one'), await picture('two')]
  const image = bytes.map((each, at) => new File([each], `${at}.png`, { type: 'image/png' }))
  const { data } = await openai().images.edit({ model: 'gpt-image-2', prompt: 'A cat', image })
  expect(data).toHaveLength(1)
  const references = bytes.map((each) => ({
    type: 'image_url',
    image_url: { url: dataUrlOf(each) },
  }))
  expect(upstream.sent[0]?.body).toEqual({
    model: 'openai/gpt-image-2',
    prompt: 'A cat',
    input_references: references,
  })
})

test('previews are passed on to callers that want them', async () => {
  const response = await ask('A cat', { stream: true, partial_images: 2 })
  const types = [...(await response.text()).matchAll(/^event: (.*)$/gm)].map(([, type]) => type)
  const partial = 'image_generation.partial_image'
  expect(types).toEqual([partial, partial, 'image_generation.completed'])
  expect(upstream.sent[0]?.body).toEqual({ model: 'openai/gpt-image-2', prompt: 'A cat', stream: true })
})

test('a model without previews answers in one piece', async () => {
  const response = await ask('A cat', { model: 'gemini-3-pro-image', stream: true, partial_images: 2 })
  expect(await response.text()).toMatch(/^event: image_generation.completed/m)
})

test('fewer pictures than requested are delivered', async () => {
  const response = await ask('A cat @fault=partial', { n: 3 })
  expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
})

describe('when the upstream', () => {
  test.each([
    ['refuses the prompt', 'moderation', 400, 0],
    ['is called too often', 'limited', 503, 0],
    ['has no credit left', 'billing', 503, 0],
    ['has no credit left, with status 200', 'error-inside', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
    ['does not know the model', 'unknown-model', 503, 0],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, upstream.submits]).toEqual([status, submits])
  })

  test.each([
    ['answers with a web page', 'malformed'],
    ['fails', 'error'],
    ['makes nothing', 'empty'],
  ])('%s, the caller gets a failure', async (_, fault) => {
    expect((await ask(`A cat @fault=${fault}`)).status).toBe(502)
  })

  test('fails in a stream, the caller gets a failure', async () => {
    const response = await ask('A cat @fault=empty', { model: 'gpt-image-2', stream: true, partial_images: 1 })
    expect(await response.text()).toContain('event: error')
  })
})

test.each(['black-forest-labs/flux-3-image', 'x-ai/grok-imagine-image-2.0', 'gemini-nano-banana-2.1'])(
  'the secret alone enables %s',
  (name) => {
    const config = configOf({ ...environment(), UPSTREAMS: undefined, OPENROUTER_API_KEY: 'secret' })
    expect(candidates(config, name, Date.now())).toMatchObject([{ model: name }])
  },
)

describe('the parameters', () => {
  test.each([
    ['gpt-image-2', { formats: ['png'], extras: [], maxImages: 10, maxInputs: 16, mask: false }],
    ['gemini-3-pro-image', { sizes: catalogue('gemini-3-pro-image').sizes, maxImages: 1, maxInputs: 14 }],
    ['unheard-of', { sizes: { kind: 'unknown' }, formats: ['png', 'jpeg', 'webp', 'svg'], extras: ['seed'] }],
  ])('of %s are those of its models there', (name, able) => {
    expect(openrouterProvider.capability?.(catalogue(name), name)).toMatchObject(able)
  })

  test('of a model of any size include a ratio', () => {
    const { sizes } = openrouterProvider.capability?.(catalogue('gpt-image-2'), 'gpt-image-2') ?? {}
    expect(sizes).toMatchObject({ kind: 'shaped', scales: [1] })
  })
})
