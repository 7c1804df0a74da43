import { describe, expect, test } from 'vitest'
import { quote } from '../../src/catalog/quote'
import { configOf } from '../../src/config'
import { arkProvider } from '../../src/providers/ark'
import { candidates } from '../../src/upstreams/candidates'
import { FakeArk } from '../support/fake-ark'
import { errorOf, openai, post } from '../support/gateway'
import { dataUrlOf, picture } from '../support/pictures'
import { playing } from '../support/playing'
import { asking } from '../support/provider-run'
import { environment } from '../support/settings'

const [upstream] = playing(new FakeArk())

const MODEL = 'doubao-seedream-4-0-250828'
const ALWAYS = { sequential_image_generation: 'disabled', response_format: 'b64_json', watermark: false }

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: MODEL, prompt, ...more })

describe('the request', () => {
  test("is one picture without a watermark, with nothing beyond the caller's parameters", async () => {
    const response = await ask('A cat')
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'output_format=png>jpeg'])
    const { data } = await response.json<{ data: { b64_json: string }[] }>()
    expect(data.map(({ b64_json }) => b64_json)).toEqual([expect.stringMatching(/^iVBORw0KGgo/)])
    expect(upstream.sent).toMatchObject([
      {
        method: 'POST',
        path: '/api/v3/images/generations',
        headers: { authorization: 'Bearer key-of-the-fake', 'content-type': 'application/json' },
      },
    ])
    expect(upstream.sent[0]?.body).toEqual({ model: MODEL, prompt: 'A cat', ...ALWAYS })
  })

  test('has every parameter of the model', async () => {
    const model = 'doubao-seedream-5-0-260128'
    const said = { model, prompt: 'A cat', size: '2048x2048', output_format: 'png', seed: 7 }
    expect((await post('/api/v1/images', said)).status).toBe(200)
    expect(upstream.sent[0]?.body).toEqual({ ...said, ...ALWAYS })
  })

  test('has the mark of the maker, if the caller asks for it', async () => {
    expect((await ask('A cat', { watermark: true, sequential_image_generation: 'disabled' })).status).toBe(200)
    expect(upstream.sent[0]?.body).toEqual({ model: MODEL, prompt: 'A cat', ...ALWAYS, watermark: true })
  })

  test('is repeated for each picture, since no model surely makes several', async () => {
    const { data } = await (await ask('Two cats', { n: 2 })).json<{ data: unknown[] }>()
    expect(data).toHaveLength(2)
    const body = { model: MODEL, prompt: 'Two cats', ...ALWAYS }
    expect(upstream.sent).toMatchObject([{ body }, { body }])
  })

  test('has pictures to edit in one list, as data URLs', async () => {
    const [one, two] = [await picture('one'), await picture('two')]
    const files = [one, two].map((bytes, at) => new File([bytes], `${at}.png`, { type: 'image/png' }))
    const { data } = await openai().images.edit({ model: MODEL, prompt: 'A cat', image: files, size: '1536x1024' })
    expect(data).toHaveLength(1)
    const image = [one, two].map((bytes) => dataUrlOf(bytes))
    expect(upstream.sent[0]?.body).toEqual({ model: MODEL, prompt: 'A cat', image, size: '1536x1024', ...ALWAYS })
  })
})

test('an unknown model takes what every model of the API takes', () => {
  const can = {
    sizes: { kind: 'unknown' },
    formats: ['jpeg'],
    maxInputs: 14,
    maxImages: 1,
    extras: ['seed', 'guidance', 'watermark'],
  }
  expect(arkProvider.capability?.({ sizes: { kind: 'unknown' } }, 'house-art')).toMatchObject(can)
})

test('the secret alone enables Seedream 4.5', () => {
  const config = configOf({ ...environment(), UPSTREAMS: undefined, ARK_API_KEY: 'secret' })
  const name = 'doubao-seedream-4-5-251128'
  expect(candidates(config, name, Date.now())).toMatchObject([{ model: name }])
})

describe('the international models', () => {
  const model = 'dola-seedream-5-0-pro-260628'

  test('are asked by their own names', async () => {
    const said = { model, prompt: 'A cat', size: '1360x768', output_format: 'png' }
    expect((await post('/api/v1/images', said)).status).toBe(200)
    expect(upstream.sent[0]?.body).toEqual({ ...said, ...ALWAYS })
  })

  test.each([
    [model, '1024x1024', 0.045],
    [model, '2048x2048', 0.09],
    [model, 'auto', 0.09],
    ['seedream-5-0-lite-260128', '4096x4096', 0.035],
    ['seedream-5-0-260128', '2048x2048', undefined],
  ])('%s is quoted for %s at %s USD', (name, size, usd) => {
    const asked = arkProvider.models?.[name]
    expect(asked && quote(asking('A cat', { size }), asked)).toBe(usd && usd * 1e6)
  })

  test('are not expected at the Chinese address', () => {
    expect(arkProvider.wellKnown?.models.filter((name) => !name.startsWith('doubao-'))).toEqual([])
    expect(arkProvider.models?.[model]).toMatchObject({ maxInputs: 10, formats: ['png', 'jpeg'] })
  })
})

describe('the answer', () => {
  test('has the size that was made, and the tokens', async () => {
    const answer = await (await ask('A cat')).json<{ size: string; usage: object }>()
    expect(answer).toMatchObject({
      size: '2048x2048',
      usage: { input_tokens: 0, output_tokens: 16_384, total_tokens: 16_384 },
    })
  })

  test.each([
    ['stands behind a refused one', 'partial'],
    ['has a usage out of range', 'odd'],
    ['is a URL', 'url'],
  ])('is delivered when the picture %s', async (_, fault) => {
    const response = await ask(`A cat @fault=${fault}`)
    const { data } = await response.json<{ data: { b64_json: string }[] }>()
    expect(data.map(({ b64_json }) => b64_json)).toEqual([expect.stringMatching(/^iVBORw0KGgo/)])
    expect(upstream.submits).toBe(1)
  })
})

describe('when the upstream', () => {
  test.each([
    ['refuses the prompt', 'moderation', 400, 0],
    ['refuses the picture to edit', 'input-moderation', 400, 0],
    ['refuses the picture that it made', 'output-moderation', 400, 1],
    ['has had too many requests', 'limited', 503, 0],
    ['has used up its quota', 'quota', 503, 0],
    ['is not paid', 'billing', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
    ['has not opened the model', 'not-open', 503, 0],
    ['does not know the model', 'no-model', 503, 0],
    ['names a URL that is gone', 'gone', 502, 1],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, upstream.submits]).toEqual([status, submits])
  })

  test.each([
    ['answers with a web page', 'malformed'],
    ['is overloaded', 'overloaded'],
    ['fails', 'error'],
    ['fails at its only picture', 'error-inside'],
  ])('%s, the caller gets a failure', async (_, fault) => {
    expect((await ask(`A cat @fault=${fault}`)).status).toBe(502)
  })

  test('refuses a prompt, the caller gets its sentence without its internal ids', async () => {
    expect(await errorOf(await ask('A cat @fault=moderation'))).toEqual({
      status: 400,
      code: 'moderation_blocked',
      type: 'image_generation_user_error',
      param: null,
      message: 'The request failed: InputTextSensitiveContentDetected.',
    })
  })
})
