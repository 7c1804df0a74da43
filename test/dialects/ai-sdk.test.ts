import { exports } from 'cloudflare:workers'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, generateImage, type ImageModel } from 'ai'
import { describe, expect, test } from 'vitest'
import { KEY, ORIGIN } from '../support/gateway'
import { picture } from '../support/pictures'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const door: typeof fetch = (input, init) => exports.default.fetch(new Request(input, init))
const settings = (apiKey: string) => ({ apiKey, baseURL: `${ORIGIN}/v1`, fetch: door })

const PROVIDERS: [string, (model: string, key?: string) => ImageModel][] = [
  ['@ai-sdk/openai', (model, key = KEY) => createOpenAI(settings(key)).image(model)],
  [
    '@ai-sdk/openai-compatible',
    (model, key = KEY) => createOpenAICompatible({ ...settings(key), name: 'darkroom' }).imageModel(model),
  ],
]

describe.each(PROVIDERS)('generateImage with %s', (_, image) => {
  const model = image('gpt-image-2')

  test('makes several pictures in one request', async () => {
    const { images, warnings, usage } = await generateImage({ model, prompt: 'A cat', n: 3, size: '1024x1024' })
    expect(images.map(({ mediaType }) => mediaType)).toEqual(['image/png', 'image/png', 'image/png'])
    expect(new Set(images.map(({ base64 }) => base64)).size).toBe(3)
    expect(warnings).toEqual([])
    expect(usage.outputTokens).toBeGreaterThan(0)
    expect(upstream.calls).toHaveLength(1)
    expect(upstream.calls[0]?.fields).toEqual({ model: 'gpt-image-2', prompt: 'A cat', n: 3, size: '1024x1024' })
  })

  test('edits pictures', async () => {
    const images = [await picture('a', 300), await picture('b', 400)]
    const { image: edited } = await generateImage({ model, prompt: { text: 'Both', images } })
    expect(edited.mediaType).toBe('image/png')
    const { path, files } = upstream.calls[0] ?? {}
    expect([path, files?.map(({ bytes }) => bytes)]).toEqual(['/v1/images/edits', [300, 400]])
  })

  test('edits the part of a picture that a mask leaves open', async () => {
    const prompt = { text: 'A hat', images: [await picture('a')], mask: await picture('mask') }
    await generateImage({ model, prompt })
    expect(upstream.calls[0]?.files.map(({ name }) => name)).toEqual(['image', 'mask'])
  })

  test('takes an operator alias, unknown to the client, as a model', async () => {
    const { images } = await generateImage({ model: image('house-style'), prompt: 'A cat' })
    expect(images).toHaveLength(1)
    expect(upstream.calls[0]?.fields['model']).toBe('gpt-image-2')
  })

  test.each([
    ['a wrong key', { model: image('gpt-image-2', 'sk-dr-default-wrong'), prompt: 'A cat' }, 401, 'Incorrect API key'],
    ['a malformed size', { model, prompt: 'A cat', size: '9x9' }, 400, 'divisible by 16'],
    ['a prompt that the upstream rejects', { model, prompt: 'A cat @fault=moderation' }, 400, 'safety system'],
    ['a failing upstream', { model, prompt: 'A cat @fault=500' }, 502, 'Try again'],
  ] as const)('throws its own error for %s', async (__, wanted, statusCode, message) => {
    const error: unknown = await generateImage({ ...wanted, maxRetries: 0 }).catch((thrown: unknown) => thrown)
    expect(APICallError.isInstance(error)).toBe(true)
    expect(error).toMatchObject({ statusCode, message: expect.stringContaining(message) })
  })

  test('reads a limit and the time of a retry', async () => {
    const { key } = await team('acme', { requests_per_minute: 1 })
    const limited = image('gpt-image-2', key)
    await generateImage({ model: limited, prompt: 'A cat' })
    const again = generateImage({ model: limited, prompt: 'A dog', maxRetries: 0 })
    const error: unknown = await again.catch((thrown: unknown) => thrown)
    const responseHeaders: unknown = expect.objectContaining({ 'retry-after': expect.stringMatching(/^\d+$/) })
    expect(error).toMatchObject({ statusCode: 429, isRetryable: true, responseHeaders })
    expect(upstream.calls).toHaveLength(1)
  })
})
