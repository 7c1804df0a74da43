import { describe, expect, test } from 'vitest'
import type { ImageRequest } from '../../src/image/request'
import { PROVIDERS } from '../../src/providers'
import { FakeFal } from '../support/fake-fal'
import { errorOf, openai, post } from '../support/gateway'
import { dataUrlOf, picture, pictureFile } from '../support/pictures'
import { playing } from '../support/playing'
import { accountOf, asking, jobIn, run, type Told } from '../support/provider-run'

const [upstream] = playing(new FakeFal())

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: 'fal-ai/flux/dev', prompt, ...more })

const tellings = (said: Partial<ImageRequest>, job?: string): Promise<Told[]> =>
  run(asking('A cat', { model: 'fal-ai/flux/dev', partials: 0, ...said }), { upstream: accountOf(upstream), job })

const dataUrl = async (name: string): Promise<string> => dataUrlOf(await picture(name))

/** The submission: its path and its body. */
const submitted = (): { path: string; body: unknown }[] =>
  upstream.sent.filter(({ method }) => method === 'POST').map(({ path, body }) => ({ path, body }))

test('a request is sent whole, and its job is polled at the URLs of the answer', async () => {
  const response = await ask('A cat @delay=300')
  expect(response.status).toBe(200)
  const { data } = await response.json<{ data: { b64_json: string }[] }>()
  expect(data[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
  const [submit, ...looks] = upstream.sent
  expect(submit).toMatchObject({
    method: 'POST',
    path: '/fal-ai/flux/dev',
    headers: { authorization: 'Key key-of-the-fake', 'content-type': 'application/json' },
  })
  expect(submit?.body).toEqual({ prompt: 'A cat @delay=300', output_format: 'png' })
  const paths = looks.map(({ path }) => path.replace(/requests\/[^/]+/, 'requests/:id'))
  expect(new Set(paths)).toEqual(new Set(['/fal-ai/flux/requests/:id/status', '/fal-ai/flux/requests/:id']))
  expect(paths.length).toBeGreaterThan(2)
})

test('a request for several pictures with every parameter is one job', async () => {
  const said = { n: 2, size: '1280x720', output_format: 'jpeg', moderation: 'low' }
  const response = await ask('A cat', said)
  expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
  expect(submitted()).toEqual([
    {
      path: '/fal-ai/flux/dev',
      body: {
        prompt: 'A cat',
        num_images: 2,
        image_size: { width: 1280, height: 720 },
        output_format: 'jpeg',
        enable_safety_checker: false,
      },
    },
  ])
})

test('a parameter of some models has their own names', async () => {
  await tellings({ extras: { seed: 7, steps: 20, guidance: 3.5 } })
  expect(submitted()[0]?.body).toEqual({
    prompt: 'A cat',
    output_format: 'png',
    seed: 7,
    num_inference_steps: 20,
    guidance_scale: 3.5,
  })
})

test('a model without sizes gets a ratio, at the endpoint for pictures without an input', async () => {
  const said = { model: 'fal-ai/flux-pro/kontext', size: '16:9', moderation: 'low' }
  expect((await ask('A cat', said)).status).toBe(200)
  expect(submitted()).toEqual([
    {
      path: '/fal-ai/flux-pro/kontext/text-to-image',
      body: { prompt: 'A cat', aspect_ratio: '16:9', output_format: 'png', safety_tolerance: '5' },
    },
  ])
})

test('FLUX.3 gets its own names of sizes, and its pictures at another model', async () => {
  const model = 'blackforestlabs/flux-3/text-to-image'
  const response = await ask('A cat', { model, size: '2048x2048' })
  expect([response.status, response.headers.get('x-cost-usd')]).toEqual([200, '0.100000'])
  await openai().images.edit({ model, prompt: 'A hat', image: await pictureFile('one') })
  expect(submitted()).toEqual([
    { path: `/${model}`, body: { prompt: 'A cat', aspect_ratio: '1:1', resolution: '2k', output_format: 'png' } },
    {
      path: '/blackforestlabs/flux-3/edit-image',
      body: { prompt: 'A hat', output_format: 'png', image_urls: [await dataUrl('one')] },
    },
  ])
})

test('pictures to edit are sent as data URLs to the endpoint for edits', async () => {
  const edit = async (model: string, ...names: string[]): Promise<void> => {
    const image = await Promise.all(names.map((name) => pictureFile(name)))
    await openai().images.edit({ model, prompt: 'A cat', image })
  }
  await edit('fal-ai/flux-2-pro', 'one')
  await edit('fal-ai/flux-pro/kontext', 'one')
  await edit('fal-ai/flux-pro/kontext', 'one', 'two')
  await edit('acme/painter', 'one')
  await edit('acme/painter/edit', 'one')
  const [one, two] = [await dataUrl('one'), await dataUrl('two')]
  const known = { prompt: 'A cat', output_format: 'png' }
  expect(submitted()).toEqual([
    { path: '/fal-ai/flux-2-pro/edit', body: { ...known, image_urls: [one] } },
    { path: '/fal-ai/flux-pro/kontext', body: { ...known, image_url: one } },
    { path: '/fal-ai/flux-pro/kontext/multi', body: { ...known, image_urls: [one, two] } },
    { path: '/acme/painter', body: { prompt: 'A cat', image_url: one } },
    { path: '/acme/painter/edit', body: { prompt: 'A cat', image_urls: [one] } },
  ])
})

test('a mask is sent with its picture', async () => {
  const [image, mask] = [await pictureFile('one'), await pictureFile('mask')]
  await openai().images.edit({ model: 'fal-ai/flux-pro/v1/fill', prompt: 'A cat', image, mask })
  expect(submitted()).toEqual([
    {
      path: '/fal-ai/flux-pro/v1/fill',
      body: {
        prompt: 'A cat',
        output_format: 'png',
        image_url: await dataUrl('one'),
        mask_url: await dataUrl('mask'),
      },
    },
  ])
})

test('an unknown model gets the usual names, and an aliased one its own', async () => {
  const provider = PROVIDERS.find(({ id }) => id === 'fal')
  const unheardOf = { sizes: { kind: 'unknown' } } as const
  expect(provider?.capability?.(unheardOf, 'acme/painter')).toMatchObject({
    sizes: { kind: 'range' },
    extras: ['seed'],
    maxImages: 1,
    mask: true,
  })
  expect(provider?.capability?.(unheardOf, 'fal-ai/flux-pro/v1/fill')).toEqual(
    provider?.models?.['fal-ai/flux-pro/v1/fill'],
  )
  await ask('A cat', { model: 'house-flux', size: '1024x768' })
  await ask('A cat', { model: 'acme/painter', size: '1024x768' })
  const image_size = { width: 1024, height: 768 }
  expect(submitted()).toEqual([
    { path: '/fal-ai/flux/dev', body: { prompt: 'A cat', image_size, output_format: 'png' } },
    { path: '/acme/painter', body: { prompt: 'A cat', image_size } },
  ])
})

test('a job of an earlier process is polled, and nothing is submitted', async () => {
  const job = jobIn(await tellings({}))
  expect(upstream.submits).toBe(1)
  const told = await tellings({}, job)
  expect(told).toMatchObject([{ type: 'accepted', job }, { type: 'image', index: 0 }, { type: 'summary' }])
  expect(upstream.submits).toBe(1)
})

test('pictures refused by its safety checker are left out', async () => {
  const response = await ask('A cat @fault=partial', { n: 3 })
  expect(response.status).toBe(200)
  expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
})

test('a queue that is unreachable for a while keeps its result', async () => {
  const response = await ask('A cat @fault=unsteady')
  expect([response.status, upstream.submits]).toEqual([200, 1])
})

test('a request refused by its run is refused in its words', async () => {
  expect(await errorOf(await ask('A cat @fault=invalid-run'))).toMatchObject({
    status: 400,
    message: 'The picture would be too large.',
    param: 'image_size',
  })
})

test('a model name that leads to another path is refused', async () => {
  const response = await ask('A cat', { model: 'acme/../fal-ai/flux/dev' })
  expect([response.status, upstream.sent.length]).toEqual([400, 0])
})

describe('when the upstream', () => {
  test.each([
    ['refuses the prompt', 'moderation', 400, 1],
    ['refuses every picture that it made', 'output-moderation', 400, 1],
    ['has too many requests', 'limited', 503, 0],
    ['has no balance left', 'billing', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, upstream.submits]).toEqual([status, submits])
  })

  test.each([
    ['names a URL that is gone', 'gone'],
    ['is done without a picture', 'no-picture'],
    ['has a run without a permission', 'forbidden-run'],
  ])('%s, the paid picture is lost', async (_, fault) => {
    const told = await tellings({ prompt: `A cat @fault=${fault}` })
    expect([told.at(-1), upstream.submits]).toMatchObject([{ kind: 'lost' }, 1])
    expect((await ask(`A dog @fault=${fault}`)).status).toBe(502)
  })

  test.each([
    ['answers with a web page', 'malformed'],
    ['fails', 'error'],
    ['makes nothing', 'nothing-made'],
  ])('%s, it is out of order', async (_, fault) => {
    const told = await tellings({ prompt: `A cat @fault=${fault}` })
    expect(told.at(-1)).toMatchObject({ kind: 'unavailable' })
    expect((await ask(`A dog @fault=${fault}`)).status).toBe(502)
  })
})
