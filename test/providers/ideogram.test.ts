import { describe, expect, test } from 'vitest'
import type { ImageRequest } from '../../src/image/request'
import { FakeIdeogram } from '../support/fake-ideogram'
import { errorOf, post } from '../support/gateway'
import { playing } from '../support/playing'
import { accountOf, asking, run, type Told } from '../support/provider-run'

const [upstream] = playing(new FakeIdeogram())

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: 'ideogram-v3', prompt, ...more })

const PNG = expect.stringMatching(/^\d+ PNG$/)

const told = (model: string, said: Partial<ImageRequest>): Promise<Told[]> =>
  run(asking('A cat', { model, partials: 0, ...said }), { upstream: accountOf(upstream) })

interface Answer {
  data: { b64_json: string; revised_prompt?: string }[]
}

test('a request is sent as a form, and its picture is fetched with its rewritten prompt', async () => {
  const response = await ask('A cat')
  expect(response.status).toBe(200)
  const { data } = await response.json<Answer>()
  expect(data).toEqual([
    { b64_json: expect.stringMatching(/^iVBORw0KGgo/), url: expect.anything(), revised_prompt: 'A cat, in oil' },
  ])
  const [sent, ...others] = upstream.sent
  expect(others).toEqual([])
  expect(sent).toMatchObject({
    method: 'POST',
    path: '/v1/ideogram-v3/generate',
    headers: { 'api-key': 'key-of-the-fake' },
  })
  expect(sent?.body).toEqual({ prompt: 'A cat' })
})

test.each([
  ['low', 'TURBO'],
  ['medium', 'DEFAULT'],
  ['high', 'QUALITY'],
])('quality %s is the speed %s', async (quality, speed) => {
  expect((await ask('A cat', { quality })).status).toBe(200)
  expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', rendering_speed: speed })
})

test("a parameter of some models has the API's names, and a size is its ratio", async () => {
  const asked = { n: 2, size: '1360x768', style: 'REALISTIC', extras: { seed: 7, negative_prompt: 'dogs' } }
  const events = await told('ideogram-v3', asked)
  expect(events).toEqual([
    { type: 'accepted', requestId: 'request-1' },
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

test('version 4 has its own path and its own name for the prompt', async () => {
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
    ['has had too many requests', 'limited', 503, 0],
    ['has no credit left', 'billing', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
    ['names a URL that is gone', 'gone', 502, 2],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`, { n: 2 })
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
