import { describe, expect, test } from 'vitest'
import { quote } from '../../src/catalog/quote'
import { xaiProvider } from '../../src/providers/xai'
import { FakeXai } from '../support/fake-xai'
import { openai, post } from '../support/gateway'
import { accountOf, asking, run } from '../support/provider-run'
import { dataUrlOf, picture } from '../support/pictures'
import { playing } from '../support/playing'

const [upstream] = playing(new FakeXai())

const MODEL = 'grok-imagine-image-2.0'
const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: MODEL, prompt, ...more })

const INPUT = { key: 'a', sha256: 'a', bytes: 1, mediaType: 'image/png' }
const TWO_INPUTS = { operation: 'edit', images: [INPUT, INPUT] } as const

const fileOf = (bytes: Uint8Array<ArrayBuffer>): File => new File([bytes], 'a.png', { type: 'image/png' })
const sentOf = (bytes: Uint8Array): object => ({
  url: dataUrlOf(bytes),
  type: 'image_url',
})

describe('sends', () => {
  test('a plain request without further parameters', async () => {
    const { data } = await openai().images.generate({ model: MODEL, prompt: 'A cat' })
    expect(data?.[0]).toMatchObject({ b64_json: expect.stringMatching(/^iVBOR/), revised_prompt: 'Revised: A cat' })
    expect(upstream.sent).toHaveLength(1)
    expect(upstream.sent[0]).toMatchObject({
      method: 'POST',
      path: '/v1/images/generations',
      headers: { authorization: 'Bearer key-of-the-fake', 'content-type': 'application/json' },
    })
    expect(upstream.sent[0]?.body).toEqual({ model: MODEL, prompt: 'A cat', n: 1, response_format: 'url' })
  })

  test.each([
    ['1024x1024', '1:1', '1k'],
    ['1360x768', '16:9', '1k'],
    ['1536x2736', '9:16', '2k'],
    ['2048x2048', '1:1', '2k'],
    ['1536x1536', '1:1', '1.5k'],
    ['1568x672', '21:9', '1k'],
    ['3232x1280', '5:2', '2k'],
  ])('the size %s as the aspect ratio %s at %s', async (size, aspect_ratio, resolution) => {
    expect((await ask('A cat', { size, n: 2, quality: 'medium', user: 'user-1' })).status).toBe(200)
    const more = { n: 2, response_format: 'url', aspect_ratio, resolution, quality: 'medium', user: 'user-1' }
    expect(upstream.sent[0]?.body).toEqual({ model: MODEL, prompt: 'A cat', ...more })
  })

  test('a picture to edit as a data URL in JSON', async () => {
    const one = await picture('one')
    await openai().images.edit({ model: MODEL, prompt: 'A hat', image: fileOf(one) })
    expect(upstream.sent[0]?.path).toBe('/v1/images/edits')
    expect(upstream.sent[0]?.body).toEqual({
      model: MODEL,
      prompt: 'A hat',
      n: 1,
      response_format: 'url',
      image: sentOf(one),
    })
  })

  test('several pictures to edit as a list, and no more than five', async () => {
    const [one, two] = [await picture('one'), await picture('two')]
    await openai().images.edit({ model: MODEL, prompt: 'Both', image: [fileOf(one), fileOf(two)] })
    const images = [sentOf(one), sentOf(two)]
    expect(upstream.sent[0]?.path).toBe('/v1/images/edits')
    expect(upstream.sent[0]?.body).toEqual({ model: MODEL, prompt: 'Both', n: 1, response_format: 'url', images })
    const six = await Promise.all(['1', '2', '3', '4', '5', '6'].map(async (name) => fileOf(await picture(name))))
    await expect(openai().images.edit({ model: MODEL, prompt: 'All', image: six })).rejects.toThrow(/5/)
    expect(upstream.sent).toHaveLength(1)
  })
})

test('of several pictures, those refused by moderation are left out', async () => {
  const response = await ask('A cat @fault=partial', { n: 3 })
  expect(response.status).toBe(200)
  expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
})

test('its charge is reported in micro-USD', async () => {
  const told = await run(asking('A cat', { model: MODEL, n: 2 }), { upstream: accountOf(upstream) })
  expect(told.at(-1)).toMatchObject({ type: 'summary', summary: { cost: 20_000 } })
})

test.each([
  ['grok-imagine-image-2.0', { quality: 'low' }, 0.04],
  ['grok-imagine-image-2.0', { quality: 'low', size: '2048x2048' }, 0.06],
  ['grok-imagine-image-2.0', { quality: 'medium', size: '1360x768' }, 0.06],
  ['grok-imagine-image-2.0', { quality: 'medium', size: '2720x1536', n: 2 }, 0.16],
  ['grok-imagine-image-2.0', {}, 0.08],
  ['grok-imagine-image-2.0', { quality: 'low', ...TWO_INPUTS }, 0.06],
  ['grok-imagine-image-quality', { size: '1024x1024' }, 0.04],
  ['grok-imagine-image', { size: '2048x2048' }, 0.02],
])('%s is quoted for %j at %d USD', (name, said, usd) => {
  const model = xaiProvider.models?.[name]
  expect(model && quote(asking('A cat', said), model)).toBe(usd * 1e6)
})

test('earlier names of 2.0 are asked as they are, at its low quality', async () => {
  for (const model of ['grok-imagine-image-quality', 'grok-imagine-image-pro']) {
    const response = await ask('A cat', { model, quality: 'high', size: '1568x672' })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([
      200,
      'quality=high>auto, output_format=png>jpeg',
    ])
    expect(upstream.sent.at(-1)?.body).toEqual({
      model,
      prompt: 'A cat',
      n: 1,
      response_format: 'url',
      aspect_ratio: '21:9',
      resolution: '1k',
    })
  }
})

test('of models that others have too, it makes the parameters of this API', () => {
  expect(
    xaiProvider.capability?.({ sizes: { kind: 'free' }, extras: ['seed'], maxInputs: 16, mask: true }, 'house-art'),
  ).toMatchObject({
    sizes: { kind: 'shaped' },
    extras: [],
    maxInputs: 5,
    mask: false,
  })
})

describe('when the upstream', () => {
  test.each([
    ['refuses the content', 'moderation', 400, 0],
    ['refuses every picture with a good status', 'output-moderation', 400, 1],
    ['gives no picture with a good status', 'empty', 400, 1],
    ['is called too often', 'limited', 503, 0],
    ['has no credits left, in the words of a rate limit', 'billing', 503, 0],
    ['rejects the key, in the words of a bad request', 'unauthorized', 503, 0],
    ['has no such model', 'no-model', 503, 0],
    ['names a URL that is gone', 'gone', 502, 1],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, upstream.submits]).toEqual([status, submits])
  })

  test.each([
    ['answers with a web page', 'malformed'],
    ['fails', 'error'],
    ['fails with a good status', 'error-inside'],
  ])('%s, the caller gets a failure', async (_, fault) => {
    expect((await ask(`A cat @fault=${fault}`)).status).toBe(502)
  })

  test.each(['moderation', 'output-moderation', 'empty'])(
    'refuses the content (%s), the caller gets a content refusal',
    async (fault) => {
      expect(await (await ask(`A cat @fault=${fault}`)).text()).toContain('"code":"moderation_blocked"')
    },
  )
})
