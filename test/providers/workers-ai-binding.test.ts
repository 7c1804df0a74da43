import { describe, expect, test } from 'vitest'
import { FakeWorkersAi, type Shape } from '../support/fake-workers-ai'
import { errorOf, openai, post } from '../support/gateway'
import { picture, pictureFile } from '../support/pictures'
import { playing } from '../support/playing'
import { settings } from '../support/settings'

const [upstream] = playing(new FakeWorkersAi())
settings({ AI: upstream.binding, UPSTREAMS: undefined })

const [SCHNELL, KLEIN] = ['@cf/black-forest-labs/flux-1-schnell', '@cf/black-forest-labs/flux-2-klein-4b']
const [PHOENIX, SDXL] = ['@cf/leonardo/phoenix-1.0', '@cf/stabilityai/stable-diffusion-xl-base-1.0']

const ask = (model: string, prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model, prompt, ...more })

test('a request goes to the binding whole, with the option of a raw answer', async () => {
  const response = await ask(PHOENIX, 'A cat', { size: '1200x800' })
  expect([response.status, response.headers.get('x-upstream')]).toEqual([200, 'workers-ai'])
  expect(upstream.sent[0]?.path).toMatch(/\/@cf\/leonardo\/phoenix-1\.0$/)
  expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', width: 1200, height: 800 })
  expect(upstream.options).toEqual([{ returnRawResponse: true }])
})

test.each<[string, Shape, string]>([
  ['a raw answer of JSON', 'response', SCHNELL],
  ['a raw answer of bytes', 'response', PHOENIX],
  ['an object', 'object', SCHNELL],
  ['a stream', 'stream', PHOENIX],
  ['bytes', 'bytes', PHOENIX],
  ['a buffer', 'buffer', PHOENIX],
])('%s of the binding is a picture', async (_, shape, model) => {
  upstream.shape = shape
  const { data } = await openai().images.generate({ model, prompt: 'A cat', response_format: 'b64_json' })
  expect(data?.[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
})

test('the models of FLUX.2 get a form as a stream', async () => {
  const image = await pictureFile('one')
  await openai().images.edit({ model: KLEIN, prompt: 'A cat', image })
  expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', input_image_0: { type: 'image/png', bytes: image.size } })
})

test('a picture for Stable Diffusion is base64, unless it is too large for memory', async () => {
  const bytes = await picture('one')
  await openai().images.edit({ model: SDXL, prompt: 'A cat', image: new File([bytes], 'a.png', { type: 'image/png' }) })
  expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', image_b64: Buffer.from(bytes).toString('base64') })
  const large = await pictureFile('large', 2 * 1024 * 1024 + 1)
  const edit = openai().images.edit({ model: SDXL, prompt: 'A cat', image: large })
  await expect(edit).rejects.toMatchObject({ status: 400, param: 'image' })
  expect(upstream.sent).toHaveLength(1)
})

describe.each<Shape>(['response', 'object'])('when the binding fails (by %s)', (shape) => {
  test.each([
    ['refuses the prompt', 'moderation', 400],
    ['finds a picture too large', 'large', 400],
    ['has no capacity', 'limited', 503],
    ["has used up the day's allocation", 'allocation', 503],
    ['does not serve the account', 'billing', 503],
    ['wants its terms agreed to', 'agreement', 503],
    ['fails', 'error', 502],
    ['takes too long', 'slow', 502],
  ])('since it %s, the caller gets the right error', async (_, fault, status) => {
    upstream.shape = shape
    const response = await ask(SCHNELL, `A cat @fault=${fault}`)
    expect([response.status, upstream.submits]).toEqual([status, 0])
  })

  test('the caller gets a refusal in its words', async () => {
    upstream.shape = shape
    expect(await errorOf(await ask(SCHNELL, 'A cat @fault=moderation'))).toMatchObject({
      code: 'moderation_blocked',
      message: expect.stringContaining('Input prompt contains NSFW content'),
    })
  })
})

test.each<Shape>(['response', 'object'])(
  'a model unavailable in this way leaves the others available (%s)',
  async (shape) => {
    upstream.shape = shape
    expect((await ask(SCHNELL, 'A cat @fault=method')).status).toBe(503)
    expect((await ask(PHOENIX, 'A cat')).status).toBe(200)
  },
)
