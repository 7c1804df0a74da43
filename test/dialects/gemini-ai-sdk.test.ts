import { exports } from 'cloudflare:workers'
import { createGoogle } from '@ai-sdk/google'
import { APICallError, generateImage, generateText, NoImageGeneratedError } from 'ai'
import { describe, expect, test } from 'vitest'
import { KEY, ORIGIN } from '../support/gateway'
import { picture } from '../support/pictures'
import { settings } from '../support/settings'
import { upstreams } from '../support/upstreams'

settings({ MODEL_ALIASES: { 'gemini-of-the-house': 'gpt-image-2' } })
const { upstream } = upstreams()

const google = (apiKey = KEY): ReturnType<typeof createGoogle> =>
  createGoogle({
    apiKey,
    baseURL: `${ORIGIN}/v1beta`,
    fetch: async (input, init) => await exports.default.fetch(new Request(input, init)),
  })

/** Its image models must have names that begin with gemini. */
const model = (apiKey?: string): ReturnType<ReturnType<typeof google>['image']> =>
  google(apiKey).image('gemini-of-the-house')

describe("Vercel's AI SDK with its models of Google", () => {
  test('makes a picture', async () => {
    const { image, usage } = await generateImage({ model: model(), prompt: 'A cat' })
    expect([image.mediaType, image.base64.slice(0, 5)]).toEqual(['image/png', 'iVBOR'])
    expect(usage.outputTokens).toBe(196)
  })

  test('makes one of the model with that name', async () => {
    const { image } = await generateImage({ model: google().image('gemini-3-pro-image'), prompt: 'A cat' })
    expect(image.base64).toMatch(/^iVBOR/)
  })

  test('edits a picture', async () => {
    const prompt = { text: 'Make it night', images: [await picture('day')] }
    const { image } = await generateImage({ model: model(), prompt })
    expect(image.base64).toMatch(/^iVBOR/)
    expect(upstream.calls[0]).toMatchObject({ path: '/v1/images/edits', fields: { prompt: 'Make it night' } })
  })

  test('makes a picture in a chat', async () => {
    const { files } = await generateText({
      model: google()('gpt-image-2'),
      prompt: 'A cat',
      providerOptions: { google: { responseModalities: ['TEXT', 'IMAGE'] } },
    })
    expect(files.map(({ mediaType }) => mediaType)).toEqual(['image/png'])
  })

  test('reads a content refusal, and does not retry', async () => {
    const made = generateImage({ model: model(), prompt: 'A cat @fault=moderation' })
    await expect(made).rejects.toThrow(NoImageGeneratedError)
    expect(upstream.calls).toHaveLength(1)
  })

  test('reads that its key is wrong', async () => {
    const made = generateImage({ model: model('sk-dr-default-wrong'), prompt: 'A cat' })
    await expect(made).rejects.toThrow(APICallError)
    await expect(made).rejects.toThrow('API key not valid')
  })
})
