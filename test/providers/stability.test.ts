import { describe, expect, test } from 'vitest'
import type { ImageRequest } from '../../src/image/request'
import { FakeStability } from '../support/fake-stability'
import { errorOf, openai, post } from '../support/gateway'
import { pictureFile } from '../support/pictures'
import { playing } from '../support/playing'
import { accountOf, asking, askingToEdit, run, type Told } from '../support/provider-run'

const [upstream] = playing(new FakeStability())

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: 'stable-image-core', prompt, ...more })

const PNG = expect.stringMatching(/^\d+ PNG$/)

const told = (model: string, said: Partial<ImageRequest>): Promise<Told[]> =>
  run(asking('A cat', { model, partials: 0, ...said }), { upstream: accountOf(upstream) })

test('a request is sent as a form, and the bytes of the answer are the picture', async () => {
  const response = await ask('A cat')
  expect(response.status).toBe(200)
  const { data } = await response.json<{ data: { b64_json: string }[] }>()
  expect(data.map(({ b64_json: image }) => image.slice(0, 12))).toEqual(['iVBORw0KGgoA'])
  const [sent, ...others] = upstream.sent
  expect(others).toEqual([])
  expect(sent).toMatchObject({
    method: 'POST',
    path: '/v2beta/stable-image/generate/core',
    headers: { authorization: 'Bearer key-of-the-fake', accept: 'image/*' },
  })
  expect(sent?.body).toEqual({ prompt: 'A cat', output_format: 'png' })
})

test('a size is sent as its ratio', async () => {
  expect((await ask('A cat', { size: '1344x768', output_format: 'webp' })).status).toBe(200)
  expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', output_format: 'webp', aspect_ratio: '16:9' })
})

test("a parameter of some models has the API's names", async () => {
  const asked = { style: 'anime', extras: { seed: 7, negative_prompt: 'dogs' } }
  const events = await told('stable-image-core', asked)
  expect(events).toEqual([
    { type: 'accepted', requestId: 'request-1' },
    { type: 'image', index: 0, picture: PNG },
    { type: 'summary', summary: {} },
  ])
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    output_format: 'png',
    style_preset: 'anime',
    negative_prompt: 'dogs',
    seed: '7',
  })
})

test('a model of Stable Diffusion is named in the form, with the use of its picture', async () => {
  const extras = { guidance: 4.5, strength: 0.7, negative_prompt: 'dogs', seed: 7 }
  await run(askingToEdit('A cat', { model: 'sd3.5-large', extras }), { upstream: accountOf(upstream) })
  expect(upstream.sent[0]?.path).toBe('/v2beta/stable-image/generate/sd3')
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    model: 'sd3.5-large',
    mode: 'image-to-image',
    output_format: 'png',
    negative_prompt: 'dogs',
    seed: '7',
    cfg_scale: '4.5',
    strength: '0.7',
    image: { type: 'image/png', bytes: 1000 },
  })
})

test('a picture to edit is sent as a file', async () => {
  const image = await pictureFile('input')
  const { data } = await openai().images.edit({ model: 'stable-image-ultra', prompt: 'A cat', image })
  expect(data).toHaveLength(1)
  expect(upstream.sent[0]?.path).toBe('/v2beta/stable-image/generate/ultra')
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    output_format: 'png',
    strength: '0.5',
    image: { type: 'image/png', bytes: image.size },
  })
})

test('a mask is sent with its picture', async () => {
  const [image, mask] = [await pictureFile('input'), await pictureFile('mask')]
  const { data } = await openai().images.edit({ model: 'stable-image-inpaint', prompt: 'A cat', image, mask })
  expect(data).toHaveLength(1)
  expect(upstream.sent[0]?.path).toBe('/v2beta/stable-image/edit/inpaint')
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    output_format: 'png',
    image: { type: 'image/png', bytes: image.size },
    mask: { type: 'image/png', bytes: mask.size },
  })
})

test('a blurred picture is no answer, and the failure says that it was billed', async () => {
  const error = await errorOf(await ask('A cat @fault=output-moderation'))
  expect(error).toMatchObject({ status: 400, code: 'moderation_blocked' })
  expect(error.message).toContain('charged for it')
  expect(upstream.submits).toBe(1)
})

test("a refusal has the upstream's sentence", async () => {
  const error = await errorOf(await ask('A cat', { style: 'vivid', model: 'sd3.5-large-turbo', output_format: 'webp' }))
  expect(error).toMatchObject({ status: 400, param: 'output_format' })
  expect(await errorOf(await ask('A cat @fault=moderation'))).toMatchObject({
    status: 400,
    code: 'moderation_blocked',
    message: 'Your request was flagged by our content moderation system.',
  })
})

describe('when the upstream', () => {
  test.each([
    ['refuses the prompt', 'moderation', 400, 0],
    ['has had too many requests', 'limited', 503, 0],
    ['has no credit left', 'billing', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, upstream.submits]).toEqual([status, submits])
  })

  test.each([
    ['answers with a web page', 'malformed'],
    ['fails', 'error'],
  ])('%s, the caller gets a failure', async (_, fault) => {
    expect((await ask(`A cat @fault=${fault}`)).status).toBe(502)
  })
})
