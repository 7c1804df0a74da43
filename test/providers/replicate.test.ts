import { describe, expect, test } from 'vitest'
import type { ImageRequest } from '../../src/image/request'
import { PROVIDERS } from '../../src/providers'
import { FakeReplicate } from '../support/fake-replicate'
import { errorOf, openai, post } from '../support/gateway'
import { dataUrlOf, picture, pictureFile } from '../support/pictures'
import { playing } from '../support/playing'
import { accountOf, asking, jobIn, run, type Told } from '../support/provider-run'

const [upstream] = playing(new FakeReplicate())

const DEV = 'black-forest-labs/flux-dev'

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: DEV, prompt, ...more })

const tellings = (said: Partial<ImageRequest>, job?: string): Promise<Told[]> =>
  run(asking('A cat', { model: DEV, partials: 0, ...said }), { upstream: accountOf(upstream), job })

const dataUrl = async (name: string): Promise<string> => dataUrlOf(await picture(name))

/** The submission: its path and its body. */
const submitted = (): { path: string; body: unknown }[] =>
  upstream.sent.filter(({ method }) => method === 'POST').map(({ path, body }) => ({ path, body }))

test('a request is sent whole, and its prediction is polled at the URL of the answer', async () => {
  const response = await ask('A cat @delay=300')
  expect(response.status).toBe(200)
  const { data } = await response.json<{ data: { b64_json: string }[] }>()
  expect(data[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
  const [submit, ...looks] = upstream.sent
  expect(submit).toMatchObject({
    method: 'POST',
    path: '/v1/models/black-forest-labs/flux-dev/predictions',
    headers: { authorization: 'Bearer key-of-the-fake', 'content-type': 'application/json' },
  })
  expect(submit?.body).toEqual({ input: { prompt: 'A cat @delay=300', output_format: 'png' } })
  const paths = looks.map(({ path }) => path.replace(/[^/]+$/, ':id'))
  expect(new Set(paths)).toEqual(new Set(['/v1/predictions/:id']))
  expect(paths.length).toBeGreaterThan(1)
})

test('a request for several pictures with every parameter is one prediction', async () => {
  const response = await ask('A cat', { n: 2, size: '16:9', output_format: 'jpeg', moderation: 'low' })
  expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
  expect(submitted()).toEqual([
    {
      path: '/v1/models/black-forest-labs/flux-dev/predictions',
      body: {
        input: {
          prompt: 'A cat',
          num_outputs: 2,
          aspect_ratio: '16:9',
          output_format: 'jpg',
          disable_safety_checker: true,
        },
      },
    },
  ])
})

test('a parameter of some models has their own names, and progress is read from the log', async () => {
  const said = { prompt: 'A cat @delay=300', extras: { seed: 7, steps: 20, guidance: 3.5 } }
  const told = await tellings(said)
  expect(told).toContainEqual({ type: 'progress', percent: 50 })
  expect(submitted()[0]?.body).toEqual({
    input: { prompt: said.prompt, output_format: 'png', seed: 7, num_inference_steps: 20, guidance: 3.5 },
  })
})

test('a size in pixels is sent to a model that takes any', async () => {
  const said = { model: 'black-forest-labs/flux-2-pro', size: '1000x800', moderation: 'low' }
  expect((await ask('A cat', said)).status).toBe(200)
  const input = { prompt: 'A cat', aspect_ratio: 'custom', width: 1000, height: 800 }
  expect(submitted()[0]?.body).toEqual({ input: { ...input, output_format: 'png', safety_tolerance: 5 } })
})

test('FLUX.3 gets a ratio and a resolution', async () => {
  const said = { model: 'black-forest-labs/flux-3-image', size: '1024x1024', moderation: 'low', output_format: 'webp' }
  expect((await ask('A cat', said)).status).toBe(200)
  const input = { prompt: 'A cat', aspect_ratio: '1:1', resolution: '1k', output_format: 'webp', safety_tolerance: 4 }
  expect(submitted()[0]?.body).toEqual({ input })
})

test("pictures to edit are sent as data URLs under the model's own name", async () => {
  const [one, two] = [await pictureFile('one'), await pictureFile('two')]
  await openai().images.edit({ model: 'black-forest-labs/flux-2-pro', prompt: 'A cat', image: [one, two] })
  await openai().images.edit({ model: 'black-forest-labs/flux-kontext-pro', prompt: 'A cat', image: one })
  const known = { prompt: 'A cat', output_format: 'png' }
  const input_images = [await dataUrl('one'), await dataUrl('two')]
  expect(submitted().map(({ body }) => body)).toEqual([
    { input: { ...known, aspect_ratio: 'match_input_image', input_images } },
    { input: { ...known, input_image: input_images[0] } },
  ])
})

test('a prediction that repeats megabytes of its input is read all the same', async () => {
  const image = await pictureFile('large', 2_000_000)
  const { data } = await openai().images.edit({
    model: 'black-forest-labs/flux-kontext-pro',
    prompt: 'A cat',
    image,
  })
  expect(data).toHaveLength(1)
})

test('a mask is sent with its picture', async () => {
  const [image, mask] = [await pictureFile('one'), await pictureFile('mask')]
  await openai().images.edit({ model: 'black-forest-labs/flux-fill-pro', prompt: 'A cat', image, mask })
  expect(submitted()[0]?.body).toEqual({
    input: { prompt: 'A cat', output_format: 'png', image: await dataUrl('one'), mask: await dataUrl('mask') },
  })
})

test('a version and a deployment have endpoints of their own', async () => {
  await ask('A cat', { model: 'acme/painter:5c7d5dc6dd8bf75c' })
  await ask('A cat', { model: 'house-flux' })
  expect(submitted()).toEqual([
    { path: '/v1/predictions', body: { version: '5c7d5dc6dd8bf75c', input: { prompt: 'A cat' } } },
    { path: '/v1/deployments/acme/flux/predictions', body: { input: { prompt: 'A cat' } } },
  ])
})

test('an unknown model gets the usual names', async () => {
  const provider = PROVIDERS.find(({ id }) => id === 'replicate')
  const unheardOf = { sizes: { kind: 'unknown' } } as const
  expect(provider?.capability?.(unheardOf, 'acme/painter')).toMatchObject({
    sizes: { kind: 'shaped' },
    extras: ['seed'],
    maxInputs: 0,
    maxImages: 1,
  })
  expect(provider?.capability?.(unheardOf, `${DEV}:5c7d`)).toEqual(provider?.models?.[DEV])
  expect((await ask('A cat', { model: 'acme/painter', size: '1024x1024', output_format: 'webp' })).status).toBe(200)
  expect(submitted()[0]?.body).toEqual({ input: { prompt: 'A cat', aspect_ratio: '1:1', output_format: 'webp' } })
})

test('a prediction of an earlier process is polled, and nothing is submitted', async () => {
  const job = jobIn(await tellings({}))
  expect(upstream.submits).toBe(1)
  const told = await tellings({}, job)
  expect(told).toMatchObject([{ type: 'accepted', job }, { type: 'image', index: 0 }, { type: 'summary' }])
  expect(upstream.submits).toBe(1)
})

test('the finished pictures are delivered though others were refused', async () => {
  const response = await ask('A cat @fault=partial', { n: 3 })
  expect(response.status).toBe(200)
  expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
})

test('it is left alone for as long as it asks', async () => {
  const told = await tellings({ prompt: 'A cat @fault=limited' })
  expect(told).toMatchObject([{ kind: 'throttled', facts: { retryAfterMs: 30_000 } }])
})

test('an input that a model lacks is refused in its words', async () => {
  const told = await tellings({ model: 'acme/painter', n: 2 })
  expect(told).toMatchObject([{ kind: 'rejected', facts: { failure: { param: 'num_outputs' } } }])
})

test('a missing version is for the operator to mend', async () => {
  const told = await tellings({ model: 'acme/painter:0ld' })
  expect(told).toMatchObject([{ kind: 'misconfigured', facts: { scope: 'model' } }])
})

test('a model name that leads to another path is refused', async () => {
  const response = await ask('A cat', { model: 'acme/../../account' })
  expect([response.status, upstream.sent.length]).toEqual([400, 0])
})

test('a refusal by its safety checker is a content refusal', async () => {
  expect(await errorOf(await ask('A cat @fault=moderation'))).toMatchObject({ code: 'moderation_blocked' })
})

describe('when the upstream', () => {
  test.each([
    ['refuses the picture that it made', 'moderation', 400, 1],
    ['finds the request sensitive', 'sensitive', 400, 1],
    ['throttles us', 'limited', 503, 0],
    ['has no credit left', 'billing', 503, 0],
    ['rejects the token', 'unauthorized', 503, 0],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, upstream.submits]).toEqual([status, submits])
  })

  test.each([
    ['names a URL that is gone', 'gone'],
    ['has removed its output', 'removed'],
  ])('%s, the paid picture is lost', async (_, fault) => {
    const told = await tellings({ prompt: `A cat @fault=${fault}` })
    expect([told.at(-1), upstream.submits]).toMatchObject([{ kind: 'lost' }, 1])
    expect((await ask(`A dog @fault=${fault}`)).status).toBe(502)
  })

  test.each([
    ['answers with a web page', 'malformed'],
    ['fails', 'error'],
    ['aborts its prediction', 'aborted'],
  ])('%s, it is out of order', async (_, fault) => {
    const told = await tellings({ prompt: `A cat @fault=${fault}` })
    expect(told.at(-1)).toMatchObject({ kind: 'unavailable' })
    expect((await ask(`A dog @fault=${fault}`)).status).toBe(502)
  })
})
