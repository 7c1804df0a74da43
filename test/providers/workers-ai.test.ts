import { describe, expect, test } from 'vitest'
import { workersAiProvider } from '../../src/providers/workers-ai'
import { FakeWorkersAi } from '../support/fake-workers-ai'
import { errorOf, openai, post } from '../support/gateway'
import { picture, pictureFile } from '../support/pictures'
import { playing } from '../support/playing'
import { accountOf, asking, run } from '../support/provider-run'

const [upstream] = playing(new FakeWorkersAi())

const [SCHNELL, DEV] = ['@cf/black-forest-labs/flux-1-schnell', '@cf/black-forest-labs/flux-2-dev']
const [LUCID, PHOENIX] = ['@cf/leonardo/lucid-origin', '@cf/leonardo/phoenix-1.0']
const SDXL = '@cf/stabilityai/stable-diffusion-xl-base-1.0'
const INPAINTING = '@cf/runwayml/stable-diffusion-v1-5-inpainting'

const ask = (model: string, prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model, prompt, ...more })

test('a request is sent whole to its model, and the base64 of the answer is the picture', async () => {
  const response = await ask(LUCID, 'A cat', { size: '1200x800' })
  expect(response.status).toBe(200)
  const { data } = await response.json<{ data: { b64_json: string }[] }>()
  expect(data[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
  expect(upstream.sent).toMatchObject([
    {
      method: 'POST',
      path: `/client/v4/accounts/account-of-the-fake/ai/run/${LUCID}`,
      headers: { authorization: 'Bearer key-of-the-fake', 'content-type': 'application/json' },
    },
  ])
  expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', width: 1200, height: 800 })
})

test('a model without a size gets none', async () => {
  expect((await ask(SCHNELL, 'A cat', { size: '1024x1024' })).status).toBe(200)
  expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat' })
})

test('an answer of bytes is the picture', async () => {
  const { data } = await openai().images.generate({ model: PHOENIX, prompt: 'A cat', response_format: 'b64_json' })
  expect(data?.[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
})

test('the models of FLUX.2 get a form, with each picture under its own name', async () => {
  const files = [await pictureFile('one'), await pictureFile('two')]
  await openai().images.edit({ model: DEV, prompt: 'A cat', image: files, size: '1024x1536' })
  expect(upstream.sent[0]?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/)
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    width: '1024',
    height: '1536',
    input_image_0: { type: 'image/png', bytes: files[0]?.size },
    input_image_1: { type: 'image/png', bytes: files[1]?.size },
  })
})

test('Stable Diffusion gets a picture as base64 and a mask as its bytes in numbers', async () => {
  const [bytes, mask] = [await picture('one'), await picture('mask')]
  const [image, over] = [bytes, mask].map((each) => new File([each], 'a.png', { type: 'image/png' }))
  if (!image || !over) throw new Error('there are two')
  await openai().images.edit({ model: INPAINTING, prompt: 'A cat', image, mask: over })
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    image_b64: Buffer.from(bytes).toString('base64'),
    mask: [...mask],
  })
})

test('a mask too large for a list of numbers is refused without a call', async () => {
  const [image, mask] = [await pictureFile('one'), await pictureFile('mask', 300_000)]
  const edit = openai().images.edit({ model: INPAINTING, prompt: 'A cat', image, mask })
  await expect(edit).rejects.toMatchObject({ status: 400, param: 'mask' })
  expect(upstream.sent).toEqual([])
})

test('an unknown model has the abilities of its API', () => {
  expect(workersAiProvider.capability?.({ sizes: { kind: 'unknown' } }, 'house-art')).toMatchObject({
    extras: ['seed', 'negative_prompt', 'steps', 'guidance', 'strength'],
    qualities: ['auto'],
    maxInputs: 1,
    maxImages: 1,
    mask: false,
    style: false,
  })
})

describe('an extra parameter', () => {
  test.each([
    [SCHNELL, { steps: 8 }, { steps: 8 }],
    [DEV, { steps: 20, guidance: 3.5, seed: 7 }, { steps: '20', guidance: '3.5', seed: '7' }],
    [LUCID, { steps: 20, guidance: 3.5, seed: 7 }, { num_steps: 20, guidance: 3.5, seed: 7 }],
    [
      PHOENIX,
      { steps: 20, guidance: 3.5, seed: 7, negative_prompt: 'dogs' },
      { num_steps: 20, guidance: 3.5, seed: 7, negative_prompt: 'dogs' },
    ],
    [
      SDXL,
      { steps: 20, guidance: 7, seed: 7, negative_prompt: 'dogs', strength: 0.5 },
      { num_steps: 20, guidance: 7, seed: 7, negative_prompt: 'dogs', strength: 0.5 },
    ],
  ])('has the names of %s', async (model, extras, fields) => {
    await run(asking('A cat', { model, extras }), { upstream: accountOf(upstream) })
    expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', ...fields })
  })
})

describe('when the upstream', () => {
  test.each([
    ['refuses the prompt', 'moderation', 400, 0],
    ['finds a picture too large', 'large', 400, 0],
    ['has no capacity', 'limited', 503, 0],
    ["has used up the day's allocation", 'allocation', 503, 0],
    ['does not serve the account', 'billing', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
    ['wants its terms agreed to', 'agreement', 503, 0],
    ['reports a lack of capacity with a good status', 'inside', 503, 0],
    ['breaks off', 'cut', 502, 2],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(SCHNELL, `A cat @fault=${fault}`)
    expect([response.status, upstream.submits]).toEqual([status, submits])
  })

  test.each(['malformed', 'error', 'slow', 'empty'])('fails (%s), the caller gets a failure', async (fault) => {
    expect((await ask(SCHNELL, `A cat @fault=${fault}`)).status).toBe(502)
  })

  test('sends no bytes, the picture is lost', async () => {
    expect([(await ask(PHOENIX, 'A cat @fault=cut')).status, upstream.submits]).toEqual([502, 2])
  })

  test('refuses the content, the caller gets a refusal in its words', async () => {
    expect(await errorOf(await ask(SCHNELL, 'A cat @fault=moderation'))).toMatchObject({
      code: 'moderation_blocked',
      message: expect.stringContaining('Input prompt contains NSFW content'),
    })
    expect(await errorOf(await ask(SCHNELL, 'A cat @fault=large'))).toMatchObject({
      message: 'Bad input: Error: input_image_0 must be at most 512x512',
    })
  })
})
