import { APIError, AuthenticationError, BadRequestError, RateLimitError } from 'openai'
import { describe, expect, test } from 'vitest'
import { azure } from '../support/azure'
import { KEY, knock, openai, ORIGIN, post, postForm } from '../support/gateway'
import { ASYNC, jobWithStatus } from '../support/jobs'
import { pictureFile } from '../support/pictures'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const base = { model: 'gpt-image-2', prompt: 'A cat' } as const
const DEPLOYED = '/openai/deployments/gpt-image-2/images/generations?api-version=2025-04-01-preview'

describe("Azure's client", () => {
  test('gets a picture and its usage in tokens', async () => {
    const { data, response } = await azure().images.generate(base).withResponse()
    expect(data.data?.[0]?.b64_json).toMatch(/^iVBOR/)
    expect(data.usage?.output_tokens).toBeGreaterThan(0)
    expect(response.headers.get('x-adjusted')).toBeNull()
    expect(upstream.calls[0]).toMatchObject({ path: '/v1/images/generations', fields: base })
  })

  test('edits pictures that it sends as a form', async () => {
    const image = [await pictureFile('a'), await pictureFile('b')]
    const { data } = await azure().images.edit({ ...base, image, n: 2, size: '1024x1024' })
    expect(data).toHaveLength(2)
    const { path, files, fields } = upstream.calls[0] ?? {}
    expect([path, files?.map(({ name }) => name)]).toEqual(['/v1/images/edits', ['image[]', 'image[]']])
    expect(fields).toEqual({ ...base, n: '2', size: '1024x1024' })
  })

  test('streams previews and the picture', async () => {
    const stream = await azure().images.generate({ ...base, stream: true, partial_images: 1 })
    const types: string[] = []
    for await (const event of stream) types.push(event.type)
    expect(types).toEqual(['image_generation.partial_image', 'image_generation.completed'])
  })

  test('shares its cached answers with every other client', async () => {
    await openai().images.generate(base)
    const { response } = await azure().images.generate(base).withResponse()
    expect([response.headers.get('x-cache'), upstream.calls.length]).toEqual(['HIT', 1])
  })

  test.each([
    [
      'a wrong key',
      { apiKey: 'sk-dr-default-wrong' },
      {},
      AuthenticationError,
      { status: 401, code: 'invalid_api_key' },
    ],
    ['an unknown deployment', {}, { model: 'my-art' }, BadRequestError, { status: 400, param: 'model' }],
    [
      'a prompt that the upstream rejects',
      {},
      { prompt: '@fault=moderation' },
      BadRequestError,
      { code: 'moderation_blocked' },
    ],
    ['a malformed size', {}, { size: '9x9' }, BadRequestError, { status: 400, param: 'size' }],
  ])('reads the reason of a refusal for %s', async (_, options, body, kind, facts) => {
    const request = azure(options).images.generate({ ...base, ...body })
    const error: unknown = await request.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject(facts)
  })

  test('reads its limits', async () => {
    const { key } = await team('acme', { requests_per_minute: 1 })
    const client = azure({ apiKey: key })
    await client.images.generate(base)
    const error: unknown = await client.images.generate(base).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(RateLimitError)
    expect(error instanceof APIError && error.headers?.get('retry-after')).toBeTruthy()
  })
})

describe('the deployment of the path', () => {
  test('is the model of a body without one, as JSON or as a form', async () => {
    expect((await post(DEPLOYED, { prompt: 'A cat' })).status).toBe(200)
    const edits = DEPLOYED.replace('generations', 'edits')
    expect(
      (
        await postForm(edits, [
          ['prompt', 'A cat'],
          ['image', await pictureFile('a')],
        ])
      ).status,
    ).toBe(200)
    expect(upstream.calls.map(({ fields }) => fields['model'])).toEqual(['gpt-image-2', 'gpt-image-2'])
  })

  test('wins over another model in the body, with a note, and is refused in a strict request', async () => {
    const client = azure({ deployment: 'house-style' })
    const body = { ...base, model: 'gpt-image-2.5-flare' }
    const { response } = await client.images.generate(body).withResponse()
    expect(response.headers.get('x-adjusted')).toBe('model=gpt-image-2.5-flare>house-style')
    expect(upstream.calls[0]?.fields['model']).toBe('gpt-image-2')
    const strict: unknown = await client.images
      .generate(body, { headers: { 'x-strict': 'true' } })
      .catch((thrown: unknown) => thrown)
    expect(strict).toMatchObject({ status: 400, param: 'model', message: expect.stringContaining('The path names') })
  })

  test.each([[7], ['m'.repeat(10_000)]])('does not hide a model in the body that is no text', async (model) => {
    expect((await post(DEPLOYED, { ...base, model })).status).toBe(400)
  })
})

describe("Azure's paths without a deployment", () => {
  const v1 = (path: string): string => `/openai/v1/images/${path}?api-version=preview`

  test.each([
    ['api-key', { 'api-key': KEY, authorization: '' }],
    ['bearer', { authorization: `Bearer ${KEY}` }],
  ])('take a key as %s', async (_, headers) => {
    expect((await post(v1('generations'), base, headers)).status).toBe(200)
  })

  test('need a model in the body', async () => {
    expect((await post(v1('generations'), { prompt: 'A cat' })).status).toBe(400)
  })

  test("work with OpenAI's own client", async () => {
    const client = openai({ baseURL: `${ORIGIN}/openai/v1`, defaultQuery: { 'api-version': 'preview' } })
    const { data } = await client.images.edit({ ...base, image: await pictureFile('a') })
    expect(data?.[0]?.b64_json).toMatch(/^iVBOR/)
  })
})

test("a job submitted on Azure's path has its result in Azure's form", async () => {
  const { id } = await (await post(DEPLOYED, base, ASYNC)).json<{ id: string }>()
  const { result } = await jobWithStatus(KEY, id, 'succeeded')
  expect(result?.data[0]?.b64_json).toMatch(/^iVBOR/)
})

test("a job is polled with Azure's key header", async () => {
  const headers = { 'api-key': KEY }
  const accepted = await knock(DEPLOYED, {
    method: 'POST',
    headers: { ...headers, ...ASYNC, 'content-type': 'application/json' },
    body: JSON.stringify(base),
  })
  expect((await knock(accepted.headers.get('location') ?? '', { headers })).status).toBe(200)
  expect((await knock(accepted.headers.get('location') ?? '', { headers: { 'api-key': 'wrong' } })).status).toBe(401)
})
