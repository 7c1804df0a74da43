import { describe, expect, test } from 'vitest'
import { configOf } from '../../src/config'
import type { ImageRequest } from '../../src/image/request'
import { recraftProvider } from '../../src/providers/recraft'
import { candidates } from '../../src/upstreams/candidates'
import { FakeRecraft } from '../support/fake-recraft'
import { errorOf, openai, post } from '../support/gateway'
import { pictureFile } from '../support/pictures'
import { playing } from '../support/playing'
import { accountOf, asking, askingToEdit, run, type Told } from '../support/provider-run'
import { environment } from '../support/settings'

const [upstream] = playing(new FakeRecraft())

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: 'recraftv4_1', prompt, ...more })

const PNG = expect.stringMatching(/^\d+ PNG$/)

const told = (model: string, said: Partial<ImageRequest>): Promise<Told[]> =>
  run(asking('A cat', { model, partials: 0, ...said }), { upstream: accountOf(upstream) })

interface Answer {
  data: { b64_json: string }[]
}

test('a request is sent whole', async () => {
  const response = await ask('A cat')
  expect(response.status).toBe(200)
  expect((await response.json<Answer>()).data[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
  const [sent, ...others] = upstream.sent
  expect(others).toEqual([])
  expect(sent).toMatchObject({
    method: 'POST',
    path: '/v1/images/generations',
    headers: { authorization: 'Bearer key-of-the-fake', 'content-type': 'application/json' },
  })
  expect(sent?.body).toEqual({
    prompt: 'A cat',
    model: 'recraftv4_1',
    image_format: 'png',
    response_format: 'b64_json',
  })
})

test("a parameter of some models has the API's names, and its charge is reported", async () => {
  const asked = {
    n: 2,
    size: '1820x1024',
    format: 'webp',
    style: 'realistic_image',
    extras: { negative_prompt: 'dogs' },
  }
  const events = await told('recraftv3', asked)
  expect(events).toEqual([
    { type: 'accepted', requestId: undefined },
    { type: 'image', index: 0, picture: PNG },
    { type: 'image', index: 1, picture: PNG },
    { type: 'summary', summary: { cost: 70_000 } },
  ])
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    model: 'recraftv3',
    n: 2,
    size: '1820x1024',
    style: 'realistic_image',
    negative_prompt: 'dogs',
    image_format: 'webp',
    response_format: 'b64_json',
  })
})

test('a picture to edit is sent as a file', async () => {
  const image = await pictureFile('input')
  const { data } = await openai().images.edit({ model: 'recraftv4_1', prompt: 'A cat', image, n: 2 })
  expect(data).toHaveLength(2)
  expect(upstream.sent[0]?.path).toBe('/v1/images/imageToImage')
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    model: 'recraftv4_1',
    n: '2',
    strength: '0.5',
    image_format: 'png',
    response_format: 'b64_json',
    image: { type: 'image/png', bytes: image.size },
  })
})

test('a mask has a path of its own, without a strength', async () => {
  const [image, mask] = [await pictureFile('input'), await pictureFile('mask')]
  await openai().images.edit({ model: 'recraftv3', prompt: 'A cat', image, mask })
  expect(upstream.sent.map(({ path }) => path)).toEqual(['/v1/images/inpaint'])
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    model: 'recraftv3',
    image_format: 'png',
    response_format: 'b64_json',
    image: { type: 'image/png', bytes: image.size },
    mask: { type: 'image/png', bytes: mask.size },
  })
  const edit = openai().images.edit({ model: 'recraftv4_1', prompt: 'A cat', image, mask })
  await expect(edit).rejects.toMatchObject({ status: 400, param: 'mask' })
})

test("the strength of an edit is the caller's parameter", async () => {
  const request = askingToEdit('A cat', { model: 'recraftv3', extras: { strength: 0.2 } })
  await run(request, { upstream: accountOf(upstream) })
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    model: 'recraftv3',
    strength: '0.2',
    image_format: 'png',
    response_format: 'b64_json',
    image: { type: 'image/png', bytes: 1000 },
  })
})

test("a size that an edit lacks is refused in the upstream's words", async () => {
  const image = await pictureFile('input')
  const edit = openai().images.edit({ model: 'recraftv4_1', prompt: 'A cat', image, size: '1024x1024' })
  await expect(edit).rejects.toMatchObject({ status: 400, message: '400 Parameter size is not valid.' })
})

test('a professional model makes twice the size', async () => {
  expect((await ask('A cat', { model: 'recraftv4_1_pro', size: '1536x2688' })).status).toBe(200)
  expect(upstream.sent[0]?.body).toMatchObject({ size: '1536x2688' })
})

test('more of its models are known by the pattern of their names', async () => {
  const style = '6b2bc1a4-6f0e-4f4e-9a55-0c0e3ab6f8f1'
  const asked = [
    { model: 'recraftv4_1_utility_pro', size: '2048x2048' },
    { model: 'recraftv4_vector', size: '1024x1024', output_format: 'svg' },
    { model: 'recraftv4_styles', style },
  ]
  for (const more of asked) {
    const response = await ask('A cat', more)
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, null])
  }
  expect(upstream.sent.map(({ body }) => body)).toMatchObject([
    { model: 'recraftv4_1_utility_pro', size: '2048x2048' },
    { model: 'recraftv4_vector', size: '1024x1024' },
    { model: 'recraftv4_styles', style_id: style },
  ])
})

test('a vector model makes an SVG, with a note for another format', async () => {
  const response = await ask('A cat', { model: 'recraftv4_1_vector' })
  expect(response.headers.get('x-adjusted')).toBe('output_format=png>svg')
  const { data } = await response.json<Answer>()
  expect(atob(data[0]?.b64_json ?? '')).toMatch(/^<svg /)
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    model: 'recraftv4_1_vector',
    response_format: 'b64_json',
  })
})

test('of several pictures, the finished ones are the answer', async () => {
  const response = await ask('A cat @fault=partial', { n: 3 })
  expect(response.status).toBe(200)
  expect((await response.json<Answer>()).data).toHaveLength(2)
  expect(upstream.submits).toBe(1)
})

test('a refusal of the content is a content refusal', async () => {
  expect(await errorOf(await ask('A cat @fault=moderation'))).toMatchObject({
    status: 400,
    code: 'moderation_blocked',
    message: 'The prompt was flagged by moderation.',
  })
})

test.each([
  ['recraftv4_1_raster', 0.035],
  ['recraftv4_1_pro_raster', 0.21],
  ['recraftv4_1_flash_v2', 0.007],
])('%s is a model at %d USD', (name, each) => {
  const known = { sizes: { kind: 'listed' }, formats: ['png', 'webp'], prices: { per: 'image', each } }
  expect(recraftProvider.models?.[name]).toMatchObject(known)
})

test('the secret alone enables every model of V4', () => {
  const config = configOf({ ...environment(), UPSTREAMS: undefined, RECRAFT_API_KEY: 'secret' })
  expect(candidates(config, 'recraftv4_1_utility', Date.now())).toMatchObject([{ model: 'recraftv4_1_utility' }])
})

describe('when the upstream', () => {
  test.each([
    ['refuses the prompt', 'moderation', 400, 0],
    ['refuses the prompt with a good status', 'odd', 400, 0],
    ['has had too many requests', 'limited', 503, 0],
    ['has no units left', 'billing', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, upstream.submits]).toEqual([status, submits])
  })

  test.each([
    ['answers with a web page', 'malformed'],
    ['answers without a picture', 'empty'],
    ['fails', 'error'],
  ])('%s, the caller gets a failure', async (_, fault) => {
    expect((await ask(`A cat @fault=${fault}`)).status).toBe(502)
  })
})
