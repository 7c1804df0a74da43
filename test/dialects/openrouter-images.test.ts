import { describe, expect, test } from 'vitest'
import { KEY, openai, post } from '../support/gateway'
import { internet } from '../support/internet'
import { ASYNC, jobWithStatus } from '../support/jobs'
import { eventsOf, imagesOf } from '../support/openrouter'
import { picture } from '../support/pictures'
import { upstreams } from '../support/upstreams'

const { upstream, relay } = upstreams()

const PNG = /^iVBOR/
const base = { model: 'openai/gpt-image-2', prompt: 'A cat' }
const dataUrl = async (name: string): Promise<string> => `data:image/png;base64,${(await picture(name)).toBase64()}`
const reference = (url: string) => ({ type: 'image_url', imageUrl: { url } }) as const

describe("OpenRouter's client", () => {
  test('gets a picture, its type, its tokens and its cost', async () => {
    const { created, data, usage } = await imagesOf({ quality: 'low', size: '1024x1024' })
    expect(created).toBeGreaterThan(1_700_000_000)
    expect(data).toEqual([{ b64Json: expect.stringMatching(PNG), mediaType: 'image/png' }])
    // 2 tokens of text at $5 a million, and 196 of a picture at $30.
    expect(usage).toMatchObject({ promptTokens: 2, completionTokens: 196, totalTokens: 198, cost: 0.00589 })
  })

  test('gets the requested number of pictures in the requested format', async () => {
    const { data } = await imagesOf({ n: 3, outputFormat: 'webp', outputCompression: 80, quality: 'high' })
    expect(data.map(({ mediaType }) => mediaType)).toEqual(['image/webp', 'image/webp', 'image/webp'])
    const sent = { n: 3, output_format: 'webp', output_compression: 80, quality: 'high' }
    expect(upstream.calls[0]?.fields).toMatchObject(sent)
  })

  test('edits pictures that it sends, or names by a URL', async () => {
    const far = { handle: async () => new Response(await picture('far', 300)) }
    internet({ 'api.openai.com': upstream, 'pictures.example.com': far })
    const references = [reference(await dataUrl('near')), reference('https://pictures.example.com/far.png')]
    const { data } = await imagesOf({ prompt: 'Both', inputReferences: references })
    expect(data[0]?.b64Json).toMatch(PNG)
    const { path, files } = upstream.calls[0] ?? {}
    expect([path, files?.map(({ bytes }) => bytes)]).toEqual([
      '/v1/images/edits',
      [(await picture('near')).length, 300],
    ])
  })

  test('streams previews and then each picture, the last with the usage of all', async () => {
    const events = await eventsOf({ n: 2, quality: 'low', size: '1024x1024' })
    const partial = (index: number): object => ({ partialImageIndex: index, b64Json: expect.stringMatching(PNG) })
    expect(events.slice(0, 4)).toEqual(
      [0, 1, 0, 1].map((index) => ({ type: 'image_generation.partial_image', ...partial(index) })),
    )
    const done = { type: 'image_generation.completed', mediaType: 'image/png', b64Json: expect.stringMatching(PNG) }
    expect(events.slice(4)).toMatchObject([done, { ...done, usage: { completionTokens: 792 } }])
    expect(events[4]).not.toHaveProperty('usage')
  })

  test.each([
    ['error-inside', 'upstream_failed'],
    ['cut', 'upstream_failed'],
  ])('reads a failure in its stream after the previews (@fault=%s)', async (fault, code) => {
    const events = await eventsOf({ prompt: `A cat @fault=${fault}` })
    expect(events.at(-1)).toEqual({ type: 'error', error: { code, param: null, message: expect.any(String) } })
  })

  test('sends data about itself and its user, which leave the picture the same', async () => {
    const trace = { traceName: 'test', additionalProperties: { stage: 'one' } }
    await imagesOf({ sessionId: 'session-1', trace, user: 'user-1' })
    expect(upstream.calls[0]?.fields).toEqual({ model: 'gpt-image-2', prompt: 'A cat', user: 'user-1' })
    await imagesOf()
    expect(upstream.calls).toHaveLength(1)
  })
})

describe('a model with its vendor before it', () => {
  test.each([
    ['openai/gpt-image-2', { model: 'gpt-image-2' }, null],
    ['house-style', { model: 'gpt-image-2' }, null],
    ['openai/gpt-image-1', { model: 'gpt-image-2.5-sunburst' }, 'model=openai/gpt-image-1>gpt-image-2.5-sunburst'],
  ])('%s is that model', async (model, sent, adjusted) => {
    const response = await post('/api/v1/images', { ...base, model })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, adjusted])
    expect(upstream.calls[0]?.fields).toMatchObject(sent)
  })

  test('is sent as it is to an upstream that lists it so', async () => {
    expect((await post('/api/v1/images', { ...base, model: 'relay-labs/art' })).status).toBe(200)
    expect(relay.calls[0]?.fields['model']).toBe('relay-labs/art')
  })

  test('is accepted by every other dialect as well', async () => {
    const { data } = await openai().images.generate(base)
    expect(data?.[0]?.b64_json).toMatch(PNG)
    await openai().images.generate({ ...base, model: 'gpt-image-2' })
    await imagesOf()
    expect(upstream.calls).toHaveLength(1)
  })

  test('is made again for another seed, if the model takes seeds', async () => {
    const idOf = async (seed: number): Promise<string | null> => {
      const response = await post('/api/v1/images', { ...base, model: 'google/gemini-3-pro-image', seed })
      expect(response.status).toBe(200)
      return response.headers.get('x-generation-id')
    }
    const [first, again, other] = [await idOf(1), await idOf(1), await idOf(2)]
    expect([again === first, other === first]).toEqual([true, false])
  })
})

test('a stream ends with [DONE]', async () => {
  const answer = await (await post('/api/v1/images', { ...base, stream: true })).text()
  expect(answer.endsWith('data: [DONE]\n\n')).toBe(true)
})

test('a job has its result in the same form', async () => {
  const { id } = await (await post('/api/v1/images', base, ASYNC)).json<{ id: string }>()
  const { result } = await jobWithStatus(KEY, id, 'succeeded')
  expect(result).toMatchObject({ data: [{ media_type: 'image/png' }], usage: { cost: expect.any(Number) } })
})
