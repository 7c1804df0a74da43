import { describe, expect, test } from 'vitest'
import { quote } from '../../src/catalog/quote'
import { blackForestLabsProvider } from '../../src/providers/black-forest-labs'
import { FakeBlackForestLabs } from '../support/fake-black-forest-labs'
import { openai, post } from '../support/gateway'
import { picture, pictureFile } from '../support/pictures'
import { playing } from '../support/playing'
import { asking } from '../support/provider-run'

const [upstream] = playing(new FakeBlackForestLabs())

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: 'flux-2-pro', prompt, ...more })

test('a request is sent whole, and its job is polled until its picture can be fetched', async () => {
  const response = await ask('A cat @delay=300', { size: '1024x768', output_format: 'jpeg', moderation: 'low' })
  expect(response.status).toBe(200)
  const { data } = await response.json<{ data: { b64_json: string }[] }>()
  expect(data[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
  const [submit, ...looks] = upstream.sent
  expect(submit).toMatchObject({
    method: 'POST',
    path: '/v1/flux-2-pro',
    headers: { 'x-key': 'key-of-the-fake', 'content-type': 'application/json' },
  })
  expect(submit?.body).toEqual({
    prompt: 'A cat @delay=300',
    width: 1024,
    height: 768,
    output_format: 'jpeg',
    safety_tolerance: 5,
  })
  expect(new Set(looks.map(({ path }) => path.replace(/=.*/, '=')))).toEqual(new Set(['/v1/get_result?id=']))
  expect(looks.length).toBeGreaterThan(1)
})

test('pictures to edit are sent as base64, each under its own name', async () => {
  const [one, two] = [await picture('one'), await picture('two')]
  const files = [one, two].map((bytes, at) => new File([bytes], `${at}.png`, { type: 'image/png' }))
  const { data } = await openai().images.edit({ model: 'flux-2-pro', prompt: 'A cat', image: files })
  expect(data).toHaveLength(1)
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    output_format: 'png',
    input_image: Buffer.from(one).toString('base64'),
    input_image_2: Buffer.from(two).toString('base64'),
  })
})

test('the fill model gets its picture under a name of its own, with or without a mask', async () => {
  const image = await pictureFile('one')
  await openai().images.edit({ model: 'flux-pro-1.0-fill', prompt: 'A cat', image })
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    output_format: 'png',
    image: Buffer.from(await picture('one')).toString('base64'),
  })
})

test('a fast model takes four pictures, and no more', async () => {
  const image = await Promise.all(['1', '2', '3', '4', '5'].map((name) => pictureFile(name)))
  const edit = (count: number) =>
    openai().images.edit({ model: 'flux-2-klein-4b', prompt: 'A cat', image: image.slice(0, count) })
  expect((await edit(4)).data).toHaveLength(1)
  await expect(edit(5)).rejects.toMatchObject({ status: 400, message: expect.stringContaining('at most 4') })
})

test.each([
  ['flux-2-pro', '2048x2048', { width: 2048, height: 2048 }],
  ['flux-2-pro', '1024x1024', { width: 1024, height: 1024 }],
  ['flux-3-image', '1360x768', { aspect_ratio: '16:9', resolution: '1k' }],
  ['flux-3-image', '768x768', { aspect_ratio: '1:1', resolution: '768sq' }],
  ['flux-3-image', '1824x1296', { aspect_ratio: '7:5', resolution: '1.5k' }],
  ['flux-pro-1.1', '1024x1024', { width: 1024, height: 1024 }],
  ['flux-kontext-pro', '1024x1024', { aspect_ratio: '1:1' }],
  ['flux-pro-1.1-ultra', '2048x2048', { aspect_ratio: '1:1' }],
])('%s is asked for %s in its own form of a size', async (model, size, sent) => {
  const response = await ask('A cat', { model, size })
  expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, null])
  expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', output_format: 'png', ...sent })
})

test('FLUX.3 gets its pictures as one list, a lenient tolerance of its own, and no pixels', async () => {
  const [one, two] = [await picture('one'), await picture('two')]
  const image = [one, two].map((bytes, at) => new File([bytes], `${at}.png`, { type: 'image/png' }))
  const said = { model: 'flux-3-image', prompt: 'A cat', size: '832x1248', moderation: 'low' } as const
  await openai().images.edit({ ...said, image })
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    aspect_ratio: '2:3',
    resolution: '1k',
    output_format: 'png',
    safety_tolerance: 4,
    images: [one, two].map((bytes) => Buffer.from(bytes).toString('base64')),
  })
})

test("FLUX.3 refuses a prompt that is too long, in the upstream's words", async () => {
  const refused = await ask('A cat'.padEnd(15_001, '.'), { model: 'flux-3-image' })
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('"param":"prompt"')])
})

test.each([
  ['auto', 0.048],
  ['1024x1024', 0.048],
  ['2048x2048', 0.1],
  ['4096x4096', 0.607],
])('FLUX.3 is quoted for %s at %d USD', (size, usd) => {
  const model = blackForestLabsProvider.models?.['flux-3-image']
  expect(model && quote(asking('A cat', { size }), model)).toBe(usd * 1e6)
})

test.each([
  ['with the job', 'A cat', '0.030000'],
  ['with its picture, which counts', 'A cat @fault=dearer', '0.045000'],
  ['with its picture, as nothing', 'A cat @fault=free', '0.000000'],
])('the cost is what the maker tells %s', async (_, prompt, cost) => {
  const response = await ask(prompt)
  expect([response.status, response.headers.get('x-cost-usd')]).toEqual([200, cost])
})

describe('an unknown model', () => {
  const model = 'flux-9-new'

  test.each([
    ['negative_prompt', { negative_prompt: 'dogs' }],
    ['output_format', { output_format: 'webp' }],
    ['background', { background: 'transparent' }],
    ['quality', { quality: 'high' }],
  ])('gets no parameter that its API lacks: %s is noted', async (name, asked) => {
    const response = await ask('A cat', { model, ...asked })
    const isTold = response.status === 400 || (response.headers.get('x-adjusted') ?? '').startsWith(name)
    expect([isTold, upstream.sent.some(({ body }) => JSON.stringify(body ?? '').includes(name))]).toEqual([true, false])
  })

  test('gets every parameter of its API', async () => {
    await ask('A cat', { model, size: '640x352', seed: 7, steps: 20, guidance: 3 })
    expect(upstream.sent[0]?.body).toMatchObject({ width: 640, height: 352, seed: 7, steps: 20, guidance: 3 })
  })
})

describe('when the upstream', () => {
  test.each([
    ['refuses the prompt', 'moderation', 400, 1],
    ['refuses the picture that it made', 'output-moderation', 400, 1],
    ['has too many tasks', 'limited', 503, 0],
    ['has no credit left', 'billing', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
    ['answers with a web page', 'malformed', 502, 0],
    ['fails', 'error', 502, 2],
    ['names a URL that is gone', 'gone', 502, 1],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, upstream.submits]).toEqual([status, submits])
  })
})
