import { describe, expect, test } from 'vitest'
import { quote } from '../../src/catalog/quote'
import type { ImageRequest } from '../../src/image/request'
import { ideogramProvider } from '../../src/providers/ideogram'
import { FakeIdeogram } from '../support/fake-ideogram'
import { errorOf, openai, post } from '../support/gateway'
import { pictureFile } from '../support/pictures'
import { playing } from '../support/playing'
import { accountOf, asking, jobIn, run, type Told } from '../support/provider-run'

const [upstream] = playing(new FakeIdeogram())

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: 'ideogram-4-6', prompt, ...more })

const PNG = expect.stringMatching(/^\d+ PNG$/)

const told = (model: string, said: Partial<ImageRequest>): Promise<Told[]> =>
  run(asking('A cat', { model, partials: 0, ...said }), { upstream: accountOf(upstream) })

interface Answer {
  data: { b64_json: string; revised_prompt?: string }[]
}

test('a request is a job, which is read until its picture can be fetched', async () => {
  const response = await ask('A cat @delay=300', { size: '2048x2048', quality: 'high' })
  expect([response.status, response.headers.get('x-cost-usd')]).toEqual([200, '0.060000'])
  const { data } = await response.json<Answer>()
  const revised_prompt = 'A cat @delay=300, in oil'
  expect(data).toMatchObject([{ b64_json: expect.stringMatching(/^iVBORw0KGgo/), revised_prompt }])
  const [submit, ...looks] = upstream.sent
  expect(submit).toMatchObject({
    method: 'POST',
    path: '/v2/image/generate/ideogram-4-6',
    headers: { 'api-key': 'key-of-the-fake', 'content-type': 'application/json' },
  })
  const known = { prompt: 'A cat @delay=300', async: true }
  expect(submit?.body).toEqual({ ...known, size: '2048x2048', quality: 'high' })
  const [id = ''] = upstream.jobs.keys()
  expect(new Set(looks.map(({ method, path }) => `${method} ${path}`))).toEqual(new Set([`GET /v2/generations/${id}`]))
  expect(looks.length).toBeGreaterThan(1)
})

test('pictures to edit are sent in a form', async () => {
  const image = [await pictureFile('one'), await pictureFile('two')]
  const { data } = await openai().images.edit({ model: 'ideogram-4-6', prompt: 'A hat', image, size: '1024x1024' })
  expect(data).toHaveLength(1)
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A hat',
    size: '1024x1024',
    async: 'true',
    images: { type: 'image/png', bytes: image[1]?.size },
  })
})

test.each<[string, Partial<ImageRequest>, object]>([
  ['ideogram-4-5', { size: '1440x2560', quality: 'low' }, { size: '1440x2560', quality: 'low' }],
  ['ideogram-4', { size: '2048x2048', quality: 'low' }, { resolution: '2048x2048', rendering_speed: 'turbo' }],
  [
    'ideogram-3',
    { size: '1360x768', style: 'REALISTIC', quality: 'high', extras: { negative_prompt: 'dogs' } },
    { aspect_ratio: '16x9', style_type: 'realistic', rendering_speed: 'quality', negative_prompt: 'dogs' },
  ],
  [
    'p-image-ideogram',
    { size: '2048x2048', quality: 'low' },
    { aspect_ratio: '1x1', resolution: '2k', quality: 'low' },
  ],
])('%s has its own fields for %j', async (model, said, sent) => {
  const seeded = { ...said, n: 2, extras: { seed: 7, ...said.extras } }
  expect((await told(model, seeded)).filter((event) => 'picture' in event)).toHaveLength(2)
  expect(upstream.sent[0]?.path).toBe(`/v2/image/generate/${model}`)
  expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', seed: 7, num_images: 2, async: true, ...sent })
})

test.each([
  ['ideogram-4-6', { quality: 'medium', size: '2048x2048' }, 0.06],
  ['ideogram-4-6', { quality: 'medium', size: '4096x4096' }, 0.12],
  ['ideogram-4-6', {}, 0.1],
  ['ideogram-4-5', { quality: 'low', n: 2 }, 0.06],
  ['ideogram-3', {}, 0.09],
  ['p-image-ideogram', {}, undefined],
])('%s is quoted for %j at %s USD', (name, said, usd) => {
  const model = ideogramProvider.models?.[name]
  expect(model && quote(asking('A cat', said), model)).toBe(usd && usd * 1e6)
})

test('pictures that come at once are not asked for again', async () => {
  expect((await ask('A cat @fault=at-once')).status).toBe(200)
  expect(upstream.sent).toHaveLength(1)
})

test.each(['empty-list-first', 'empty-url-first'])('a job that begins with no picture is read (%s)', async (fault) => {
  expect((await ask(`A cat @fault=${fault}`)).status).toBe(200)
  expect(upstream.submits).toBe(1)
})

test('a job of an earlier process is read, and none is begun', async () => {
  const request = asking('A cat', { model: 'ideogram-4-6', partials: 0 })
  const job = jobIn(await run(request, { upstream: accountOf(upstream) }))
  const again = await run(request, { upstream: accountOf(upstream), job })
  expect(again.filter((event) => 'picture' in event)).toHaveLength(1)
  expect(upstream.submits).toBe(1)
})

test('a request of version 1 is sent as a form, and its pictures come at once', async () => {
  const response = await ask('A cat', { model: 'ideogram-v3' })
  expect((await response.json<Answer>()).data).toMatchObject([{ revised_prompt: 'A cat, in oil' }])
  const [sent, ...others] = upstream.sent
  expect(others).toEqual([])
  expect(sent).toMatchObject({ method: 'POST', path: '/v1/ideogram-v3/generate' })
  expect(sent?.body).toEqual({ prompt: 'A cat' })
})

test.each([
  ['low', 'TURBO'],
  ['medium', 'DEFAULT'],
  ['high', 'QUALITY'],
])('quality %s of version 1 is the speed %s', async (quality, speed) => {
  expect((await ask('A cat', { model: 'ideogram-v3', quality })).status).toBe(200)
  expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', rendering_speed: speed })
})

test("a parameter of some models has the API's names, and a size is its ratio", async () => {
  const asked = { n: 2, size: '1360x768', style: 'REALISTIC', extras: { seed: 7, negative_prompt: 'dogs' } }
  const events = await told('ideogram-v3', asked)
  expect(events).toEqual([
    { type: 'accepted', requestId: 'request-1', job: undefined },
    { type: 'image', index: 0, picture: PNG },
    { type: 'image', index: 1, picture: PNG },
    { type: 'summary', summary: { size: '1024x1024', revisedPrompts: ['A cat, in oil', 'A cat, in oil'] } },
  ])
  expect(upstream.sent[0]?.body).toEqual({
    prompt: 'A cat',
    aspect_ratio: '16x9',
    style_type: 'REALISTIC',
    negative_prompt: 'dogs',
    seed: '7',
    num_images: '2',
  })
})

test('a size that is none of its ratios is sent as it is', async () => {
  await told('ideogram-v3', { size: '1000x800' })
  expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', resolution: '1000x800' })
})

test('4.0 of version 1 has its own path and its own name for the prompt', async () => {
  expect((await ask('A cat', { model: 'ideogram-v4', size: '2048x2048', quality: 'high' })).status).toBe(200)
  expect(upstream.sent[0]?.path).toBe('/v1/ideogram-v4/generate')
  expect(upstream.sent[0]?.body).toEqual({ text_prompt: 'A cat', resolution: '2048x2048', rendering_speed: 'QUALITY' })
})

test('of several pictures, those that are not refused are the answer', async () => {
  const response = await ask('A cat @fault=partial', { n: 3 })
  expect(response.status).toBe(200)
  expect((await response.json<Answer>()).data).toHaveLength(2)
  expect(upstream.submits).toBe(1)
})

test("a refusal has the upstream's sentence, and a wrong value is no content refusal", async () => {
  expect(await errorOf(await ask('A cat @fault=moderation'))).toMatchObject({
    status: 400,
    code: 'moderation_blocked',
    message: 'Prompt provided failed safety check due to the inclusion of prohibited content.',
  })
  const failure = { code: 'invalid_request', reason: 'invalid_value', param: 'style_type' }
  expect(await told('ideogram-v3', { style: 'vivid' })).toMatchObject([{ kind: 'rejected', facts: { failure } }])
})

describe('when the upstream', () => {
  test.each([
    ['refuses the prompt', 'moderation', 400, 0],
    ['refuses every picture that it made', 'output-moderation', 400, 1],
    ['refuses the prompt of a job', 'late-moderation', 400, 1],
    ['has had too many requests', 'limited', 503, 0],
    ['has too many jobs under way', 'too-many', 503, 0],
    ['fails at a job', 'failed', 502, undefined],
    ['has no credit left', 'billing', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
    ['names a URL that is gone', 'gone', 502, 1],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`, { n: 2 })
    expect([response.status, submits ?? upstream.submits]).toEqual([status, upstream.submits])
  })

  test.each([
    ['answers with a web page', 'malformed'],
    ['answers without a picture', 'empty'],
    ['fails', 'error'],
  ])('%s, the caller gets a failure', async (_, fault) => {
    expect((await ask(`A cat @fault=${fault}`)).status).toBe(502)
  })
})
