import * as errors from '@openrouter/sdk/models/errors'
import { describe, expect, test } from 'vitest'
import { KEY, post } from '../support/gateway'
import { openrouter } from '../support/openrouter'
import { team, visit } from '../support/teams'
import { texts } from '../support/texts'

texts()

type Listing = Parameters<ReturnType<typeof openrouter>['models']['list']>[0]

/** The names on each page of a list, as the client turns its pages. */
async function pagesOf(wanted: Listing = {}, client = openrouter()): Promise<string[][]> {
  const pages = []
  for await (const { result } of await client.models.list(wanted)) pages.push(result.data.map(({ id }) => id))
  return pages
}

describe("OpenRouter's client", () => {
  test('lists the models that the key may use, of texts and of pictures', async () => {
    const { result } = await openrouter().models.list()
    const known = new Map(result.data.map((model) => [model.id, model]))
    expect([...known.keys()]).toEqual(expect.arrayContaining(['gpt-5.2', 'gpt-image-2', 'house-style', 'painter']))
    expect([result.totalCount, result.links.next]).toEqual([known.size, null])
    expect(known.get('gpt-image-2')).toMatchObject({
      created: Date.UTC(2026, 3, 21) / 1000,
      architecture: { modality: 'text+image->image', inputModalities: ['text', 'image'], outputModalities: ['image'] },
      pricing: { prompt: '-1', completion: '-1' },
    })
    expect(known.get('gpt-5.2')).toMatchObject({ architecture: { outputModalities: ['text'] } })
  })

  test('turns the pages of a list, each model once', async () => {
    const [all = []] = await pagesOf()
    const pages = await pagesOf({ limit: 3 })
    expect([pages.flat(), pages[0]?.length]).toEqual([all, 3])
    const { result } = await openrouter().models.list({ limit: 3, offset: 1, outputModalities: 'image' })
    const next = new URL(result.links.next ?? '', 'https://gateway.example.com')
    expect(Object.fromEntries(next.searchParams)).toEqual({ limit: '3', offset: '4', output_modalities: 'image' })
    expect((await visit(KEY, next.pathname + next.search)).status).toBe(200)
  })

  test('lists the models of one kind of output', async () => {
    const [text = []] = await pagesOf({ outputModalities: 'text' })
    expect(text).toEqual(expect.arrayContaining(['gpt-5.2', 'quick']))
    expect(text).not.toContain('gpt-image-2')
  })

  test('lists the image models with the parameters that each takes', async () => {
    const { data } = await openrouter().images.listModels()
    const known = new Map(data.map((model) => [model.id, model]))
    expect([known.has('painter'), known.has('gpt-5.2')]).toEqual([true, false])
    expect(known.get('gpt-image-2')).toMatchObject({
      supportsStreaming: true,
      endpoints: '/api/v1/images/models/gpt-image-2/endpoints',
      supportedParameters: {
        quality: { type: 'enum', values: ['low', 'medium', 'high', 'auto'] },
        background: { type: 'enum', values: ['opaque', 'auto'] },
        output_compression: { type: 'range', min: 0, max: 100 },
        input_references: { type: 'range', min: 0, max: 16 },
        n: { type: 'range', min: 1, max: 10 },
      },
    })
  })

  test.each([
    ['resolution', ['1K', '2K', '4K'], '512'],
    ['aspect_ratio', ['1:1', '2.35:1', '9:21'], '1:8'],
  ])('is listed the values of %s that a strict request may have', async (name, listed, unlisted) => {
    const { endpoints } = await openrouter().images.listModelEndpoints({ author: 'openai', slug: 'gpt-image-2' })
    const values = endpoints[0]?.supportedParameters[name]
    expect(values).toMatchObject({ type: 'enum', values: expect.arrayContaining(listed) })
    expect(values).not.toMatchObject({ values: expect.arrayContaining([unlisted]) })
    const answers = []
    for (const value of [...listed, unlisted]) {
      const body = { model: 'gpt-image-2', prompt: 'A cat', [name]: value }
      answers.push((await post('/api/v1/images', body, { 'x-strict': 'true' })).status)
    }
    expect(answers).toEqual([200, 200, 200, 400])
  })

  test('finds one model with its vendor before it', async () => {
    const { data } = await openrouter().models.get({ author: 'openai', slug: 'gpt-image-2' })
    expect(data).toMatchObject({ id: 'openai/gpt-image-2', architecture: { outputModalities: ['image'] } })
  })

  test('finds in each list no more than its key may use', async () => {
    const { key } = await team('acme', { models: ['gpt-image-2', 'gpt-5.2'] })
    const client = openrouter({ apiKey: key })
    expect(await pagesOf({}, client)).toEqual([['gpt-5.2', 'gpt-image-2', 'house-style', 'quick']])
    const { data } = await client.images.listModels()
    expect(data.map(({ id }) => id)).toEqual(['gpt-image-2', 'house-style'])
  })
})

describe("a refusal in OpenRouter's words reaches its client", () => {
  const known = { author: 'openai', slug: 'gpt-image-2' }

  test.each([
    ['a filter that is not served', () => pagesOf({ zdr: 'true' }), errors.BadRequestResponseError, /zdr/],
    [
      'an unknown model',
      () => openrouter().models.get({ ...known, slug: 'none' }),
      errors.NotFoundResponseError,
      /none/,
    ],
    [
      'the endpoints of a text model',
      () => openrouter().images.listModelEndpoints({ ...known, slug: 'gpt-5.2' }),
      errors.NotFoundResponseError,
      /gpt-5\.2/,
    ],
  ])('for %s', async (_, ask, kind, message) => {
    const error = await ask().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({ error: { message: expect.stringMatching(message), metadata: expect.any(Object) } })
  })

  test('for a wrong key, by the status alone', async () => {
    const stranger = openrouter({ apiKey: 'sk-dr-default-wrong' })
    const wrong = { statusCode: 401, body: expect.stringMatching(/"code":401,.*"metadata":/) }
    await expect(stranger.models.list()).rejects.toMatchObject(wrong)
    await expect(stranger.images.listModels()).rejects.toMatchObject(wrong)
  })
})
