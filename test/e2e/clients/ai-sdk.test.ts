import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, type ImageModel, RetryError, generateImage } from 'ai'
import { expect, test } from 'vitest'
import { errorOf } from '../support/requests.ts'
import { served } from '../support/served.ts'
import { type Caller, type Client, callerOf } from './support/client.ts'
import { testClients } from './support/test-clients.ts'

const running = served()

const RAISES = {
  refusal: { error: APICallError, details: { statusCode: 400, isRetryable: false } },
  limit: { error: APICallError, details: { statusCode: 429, isRetryable: true } },
} satisfies Pick<Client, 'refusal' | 'limit'>

const openai = ({ origin, key }: Caller): ImageModel =>
  createOpenAI({ baseURL: `${origin}/v1`, apiKey: key }).image('gpt-image-2')

const compatible = ({ origin, key }: Caller): ImageModel =>
  createOpenAICompatible({ name: 'darkroom', baseURL: `${origin}/v1`, apiKey: key }).imageModel('gpt-image-2')

const bytesOf = ({ images }: Awaited<ReturnType<typeof generateImage>>): Buffer[] =>
  images.map(({ uint8Array }) => Buffer.from(uint8Array))

const imagesOf = (name: string, model: (caller: Caller) => ImageModel): Client => ({
  name,
  make: async (caller, prompt) => bytesOf(await generateImage({ model: model(caller), prompt, maxRetries: 0 })),
  edit: async (caller, text, image) => {
    const prompt = { text, images: [await image.bytes()] }
    return bytesOf(await generateImage({ model: model(caller), prompt, maxRetries: 0 }))
  },
  ...RAISES,
})

testClients(running, [
  imagesOf('ai 7 with its openai provider, images', openai),
  imagesOf('ai 7 with its openai-compatible provider, images', compatible),
])

test('several images of one prompt are one call with n', async () => {
  const model = openai(callerOf(running.gateway, running.gateway.key))
  const { images } = await generateImage({ model, prompt: 'Three boats', n: 3, size: '1536x1024' })
  expect(new Set(images.map(({ base64 }) => base64)).size).toBe(3)
  expect(await running.upstream.callsFor('Three boats')).toMatchObject([{ fields: { n: 3, size: '1536x1024' } }])
})

test('raises its own AI_RetryError once it has tried again in vain', async () => {
  const key = await running.operator.team('poor', { budget_usd: 0.000001 })
  const model = openai(callerOf(running.gateway, key))
  const error = await errorOf(generateImage({ model, prompt: 'A gull too dear', maxRetries: 1 }))
  expect(error).toBeInstanceOf(RetryError)
  expect(error).toMatchObject({ reason: 'maxRetriesExceeded', lastError: { statusCode: 429 } })
  expect(await running.upstream.callsFor('A gull too dear')).toEqual([])
})
