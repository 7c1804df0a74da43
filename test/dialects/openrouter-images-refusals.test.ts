import * as errors from '@openrouter/sdk/models/errors'
import { describe, expect, test } from 'vitest'
import { openrouterError } from '../../src/dialects/openrouter/error'
import { openrouterSize } from '../../src/dialects/openrouter-images/size'
import { type ErrorCode, STATUS } from '../../src/failures/errors'
import { post } from '../support/gateway'
import { imagesOf, openrouter } from '../support/openrouter'
import { picture } from '../support/pictures'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const base = { model: 'openai/gpt-image-2', prompt: 'A cat' }

/** The error that a call throws. */
const thrownBy = (request: Promise<unknown>): Promise<unknown> => request.catch((thrown: unknown) => thrown)

/** The wire form of a refusal. */
async function refusalOf(body: object, headers: Record<string, string> = {}): Promise<object> {
  const response = await post('/api/v1/images', { ...base, ...body }, headers)
  const { error } = await response.json<{ error: { code: number; message: string; metadata: object } }>()
  expect(error.code).toBe(response.status)
  return { code: error.code, message: error.message, ...error.metadata }
}

describe("OpenRouter's client has an error class for", () => {
  test.each([
    ['an empty prompt', { prompt: '' }, errors.BadRequestResponseError],
    [
      'a prompt that the upstream rejects for its content',
      { prompt: '@fault=moderation' },
      errors.ForbiddenResponseError,
    ],
    ['a failing upstream', { prompt: '@fault=500' }, errors.BadGatewayResponseError],
    ['a body that is too large', { prompt: 'a'.repeat(8_000_001) }, errors.PayloadTooLargeResponseError],
  ])('%s', async (_, wanted, kind) => {
    const error = await thrownBy(imagesOf(wanted))
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({ error: { message: expect.stringMatching(/\w/), metadata: expect.any(Object) } })
  })

  test('an upstream at its limit, by the status alone', async () => {
    const error = await thrownBy(imagesOf({ prompt: '@fault=429' }))
    expect(error).toMatchObject({ statusCode: 503, body: expect.stringContaining('"metadata":') })
  })

  test('a wrong key', async () => {
    const request = imagesOf({}, openrouter({ apiKey: 'sk-dr-default-wrong' }))
    expect(await thrownBy(request)).toBeInstanceOf(errors.UnauthorizedResponseError)
  })

  test('its own limits and a used-up budget', async () => {
    const [slow, poor] = [await team('slow', { requests_per_minute: 1 }), await team('poor', { budget_usd: 0.001 })]
    await imagesOf({}, openrouter({ apiKey: slow.key }))
    const hurried = await thrownBy(imagesOf({}, openrouter({ apiKey: slow.key })))
    expect(hurried).toBeInstanceOf(errors.TooManyRequestsResponseError)
    const broke = await thrownBy(imagesOf({}, openrouter({ apiKey: poor.key })))
    expect(broke).toBeInstanceOf(errors.PaymentRequiredResponseError)
  })
})

const isCode = (name: string): name is ErrorCode => name in STATUS

test.each(Object.keys(STATUS).filter(isCode))(
  '%s without a retry is requested once, though its client retries every 5xx for an hour',
  async (code) => {
    let calls = 0
    const client = openrouter({ retryConfig: { strategy: 'backoff' } }, async () => {
      calls += 1
      const { status, text } = openrouterError({ code, message: 'Do this next.', retry: false }, 'req_1')
      return Promise.resolve(new Response(text, { status, headers: { 'content-type': 'application/json' } }))
    })
    const error = await thrownBy(imagesOf({}, client))
    expect(error).toBeInstanceOf(errors.OpenRouterError)
    expect(error).toMatchObject({ message: expect.stringContaining('Do this next.') })
    expect(calls).toBe(1)
  },
)

describe('parameters', () => {
  test.each([
    [{ style: 'vivid' }, 'style', "Unknown parameter: 'style'."],
    [{ seed: 7 }, 'seed', "Unknown parameter: 'seed'."],
    [{ seed: 0.5 }, 'seed', 'expected an integer'],
    [{ resolution: '8K' }, 'resolution', "Supported values are: '512', '1K', '2K', and '4K'."],
    [{ aspect_ratio: '7:5' }, 'aspect_ratio', "'2.35:1'"],
    [{ aspect_ratio: '8:1' }, 'aspect_ratio', 'The aspect ratio must be from 1:3 to 3:1.'],
    [{ size: '2K', resolution: '4K' }, 'resolution', 'contradict each other'],
    [{ size: '1024x1024', aspect_ratio: '16:9' }, 'aspect_ratio', 'contradict each other'],
    [{ quality: 'ultra' }, 'quality', "'low', 'medium', 'high', and 'auto'"],
    [{ input_references: [{ type: 'file', url: 'x' }] }, 'input_references[0].type', "'image_url'"],
  ])('%j is refused by its name', async (body, param, message) => {
    expect(await refusalOf(body)).toMatchObject({ code: 400, param, message: expect.stringContaining(message) })
    expect(upstream.calls).toHaveLength(0)
  })

  test("more pictures than a model takes are refused by their own parameter's name", async () => {
    const url = `data:image/png;base64,${(await picture('a')).toBase64()}`
    const input_references = Array.from({ length: 17 }, () => ({ type: 'image_url', image_url: { url } }))
    const few = { model: 'google/gemini-3-pro-image', input_references: input_references.slice(1) }
    expect(await refusalOf({ input_references })).toMatchObject({ code: 400, param: 'input_references' })
    expect(await refusalOf(few)).toMatchObject({ code: 400, param: 'input_references' })
  })

  test('a choice of providers is ignored with a note, or refused in a strict request', async () => {
    const body = { ...base, provider: { only: ['azure'] } }
    expect((await post('/api/v1/images', body)).headers.get('x-adjusted')).toBe('provider')
    expect(await refusalOf(body, { 'x-strict': 'true' })).toMatchObject({ code: 400, param: 'provider' })
    const none = await post('/api/v1/images', { ...base, provider: {} }, { 'x-strict': 'true' })
    expect([none.status, none.headers.get('x-adjusted')]).toEqual([200, null])
  })

  test.each([
    ['auto', {}],
    ['auto', { size: 'auto', aspect_ratio: 'auto', resolution: null }],
    ['16:9', { aspect_ratio: '16:9' }],
    ['47:20', { aspect_ratio: '2.35:1' }],
    ['2K', { resolution: '2K' }],
    ['2K', { size: '2K' }],
    ['21:9 4K', { size: '4K', aspect_ratio: '21:9', resolution: '4K' }],
    ['1344x768', { size: '1344x768', aspect_ratio: '16:9', resolution: '1K' }],
    ['3840x2160', { size: '3840x2160', aspect_ratio: '16:9', resolution: '4K' }],
    ['large', { size: 'large', aspect_ratio: '16:9' }],
  ] as const)('set the size %s by %j', (size, asked) => {
    expect(openrouterSize(asked)).toBe(size)
  })
})

test("an unknown route is refused in the API's form", async () => {
  const response = await post('/api/v1/videos', {})
  expect([response.status, await response.json()]).toMatchObject([404, { error: { code: 404 } }])
})
