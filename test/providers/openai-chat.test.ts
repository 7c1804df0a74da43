import { describe, expect, test } from 'vitest'
import { openaiChatProvider } from '../../src/providers/openai-chat'
import { catalogue } from '../catalog/requests'
import { FakeOpenaiChat } from '../support/fake-openai-chat'
import { errorOf, openai, post } from '../support/gateway'
import { internet } from '../support/internet'
import { OPENAI } from '../support/openai-account'
import { asking, run } from '../support/provider-run'
import { dataUrlOf, picture } from '../support/pictures'
import { playing } from '../support/playing'

const [relay] = playing(new FakeOpenaiChat())

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: 'relay-art', prompt, ...more })

test('a request is one message, and its answer a stream', async () => {
  const response = await ask('A cat')
  expect(response.status).toBe(200)
  const { data } = await response.json<{ data: { b64_json: string }[] }>()
  expect(data[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
  expect(relay.sent[0]).toMatchObject({
    method: 'POST',
    path: '/v1/chat/completions',
    headers: { authorization: 'Bearer key-of-the-fake', 'content-type': 'application/json' },
  })
  expect(relay.sent.map(({ body }) => body)).toEqual([
    { model: 'relay-art', messages: [{ role: 'user', content: 'A cat' }], stream: true },
  ])
})

test("a shape has OpenRouter's form, and the end user is named", async () => {
  const response = await ask('A cat', { model: 'gemini-3-pro-image', size: '2752x1536', user: 'ann' })
  expect(response.status).toBe(200)
  expect(relay.sent[0]?.body).toEqual({
    model: 'gemini-3-pro-image',
    messages: [{ role: 'user', content: 'A cat' }],
    stream: true,
    modalities: ['image', 'text'],
    image_config: { aspect_ratio: '16:9', image_size: '2K' },
    user: 'ann',
  })
})

test('a shape at the smallest resolution is its ratio alone', async () => {
  await ask('A cat', { model: 'gemini-3-pro-image', size: '848x1264' })
  expect(relay.sent[0]?.body).toMatchObject({ image_config: { aspect_ratio: '2:3' } })
})

test('OpenRouter always gets the modality of pictures, and the maker of a model', async () => {
  const sent: unknown[] = []
  const handle = async (request: Request): Promise<Response> => {
    sent.push(await request.json())
    return Response.json({ choices: [] })
  }
  internet({ 'openrouter.ai': { handle } })
  const upstream = { ...OPENAI, provider: openaiChatProvider, baseUrl: 'https://openrouter.ai/api/v1' }
  await run(asking('A cat'), { upstream })
  expect(sent).toMatchObject([{ model: 'openai/gpt-image-2', modalities: ['image', 'text'] }])
})

test('pictures to edit are in the message behind the prompt', async () => {
  const bytes = [await picture('one'), await picture('two')]
  const image = bytes.map((each, at) => new File([each], `${at}.png`, { type: 'image/png' }))
  const { data } = await openai().images.edit({ model: 'relay-art', prompt: 'A cat @fault=data', image })
  expect(data?.[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
  const shown = bytes.map((each) => ({
    type: 'image_url',
    image_url: { url: dataUrlOf(each) },
  }))
  expect(relay.sent[0]?.body).toEqual({
    model: 'relay-art',
    messages: [{ role: 'user', content: [{ type: 'text', text: 'A cat @fault=data' }, ...shown] }],
    stream: true,
  })
})

test('a relay without streams gets a request without one', async () => {
  expect((await ask('A cat @fault=no-stream')).status).toBe(200)
  expect(relay.sent.map(({ body }) => body)).toMatchObject([{ stream: true }, { stream: false }])
})

test('several pictures are as many conversations', async () => {
  const response = await ask('A cat', { n: 2 })
  expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
  expect(relay.submits).toBe(2)
})

test('a size without a ratio of the model is left out with a note', async () => {
  const response = await ask('A cat', { size: '1024x1536' })
  expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'size=1024x1536>auto'])
  expect(relay.sent.map(({ body }) => Object.keys(body ?? {}))).toEqual([['model', 'messages', 'stream']])
})

test('such a size is refused in a strict request', async () => {
  const body = { model: 'relay-art', prompt: 'A cat', size: '1024x1536' }
  const response = await post('/v1/images/generations', body, { 'x-strict': 'true' })
  expect([await errorOf(response), relay.sent]).toMatchObject([{ status: 400, param: 'size' }, []])
})

test.each([{ background: 'transparent' }, { output_format: 'webp' }])(
  'a parameter without a place in a chat is refused: %j',
  async (more) => {
    expect([(await ask('A cat', more)).status, relay.sent]).toEqual([400, []])
  },
)

describe('when the relay', () => {
  test.each([
    ['passes a refusal of the content on as its own failure', 'moderation', 400, 0],
    ['ends its answer with a content filter', 'filtered', 400, 1],
    ['is called too often', 'limited', 503, 0],
    ['has no credit left', 'billing', 503, 0],
    ['reports in its stream that it has no credit left', 'billing-inside', 503, 1],
    ['rejects the key', 'unauthorized', 503, 0],
    ['has no channel for the model', 'no-channel', 503, 0],
    ['names a URL that is gone', 'gone', 502, 1],
    ['breaks off in the middle of a picture', 'cut', 502, 2],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, relay.submits]).toEqual([status, submits])
  })

  test.each([
    ['answers in words alone', 'refusal'],
    ['answers with a web page', 'malformed'],
    ['fails', 'error'],
    ['fails in its stream', 'error-inside'],
  ])('%s, the caller gets a failure', async (_, fault) => {
    expect((await ask(`A cat @fault=${fault}`)).status).toBe(502)
  })
})

describe('a chat offers', () => {
  const able = (name: string): unknown => openaiChatProvider.capability?.(catalogue(name), name)

  test('the shapes of models with ratios', () => {
    expect(able('gemini-3-pro-image')).toMatchObject({ sizes: catalogue('gemini-3-pro-image').sizes, extras: [] })
  })

  test.each(['gpt-image-2', 'unheard-of'])('no size of %s, no mask and no second picture', (name) => {
    expect(able(name)).toMatchObject({
      sizes: { kind: 'listed', sizes: [] },
      qualities: ['auto'],
      formats: ['png'],
      mask: false,
      maxImages: 1,
      maxInputs: 14,
    })
  })
})
