import { GoogleGenAI } from '@google/genai'
import { RetryError, generateImage } from 'ai'
import { expect, test } from 'vitest'
import { decodePng, sha256 } from '../support/pictures.ts'
import { errorOf, rest } from '../support/requests.ts'
import { served } from '../support/served.ts'
import { openaiImages } from './rows/ai-sdk.ts'
import { picturesOf, three, two } from './rows/google-genai.ts'
import { toolWith } from './rows/langchain.ts'
import { sdk, sdk4 } from './rows/openai.ts'
import { openrouter } from './rows/openrouter.ts'
import { type Caller, callerOf } from './support/client.ts'
import { TEXT_MODEL, picturesOfChat, picturesOfOutput } from './support/conversations.ts'

const running = served()
const anybody = (): Caller => callerOf(running.gateway, running.gateway.key)

test("openai 7's own helpers follow its streams to the end", async () => {
  const client = sdk(anybody())
  const content = 'A tide, followed by a helper'
  const completion = await client.chat.completions
    .stream({ model: 'gpt-image-2', messages: [{ role: 'user', content }] })
    .finalChatCompletion()
  const tools = [{ type: 'image_generation' as const, model: 'gpt-image-2' }]
  const response = await client.responses.stream({ model: TEXT_MODEL, input: content, tools }).finalResponse()
  const [[one], [other]] = [await picturesOfChat(completion), picturesOfOutput(response.output)]
  expect(decodePng(one ?? Buffer.alloc(0))).toEqual({ width: 16, height: 16 })
  expect(other).toEqual(one)
  expect(await running.upstream.callsFor(content)).toHaveLength(1)
})

test("openai 4's quality for dall-e-3 is the high one of the successor of gpt-image-1", async () => {
  const prompt = 'A lamp in high quality'
  await sdk4(anybody()).images.generate({ model: 'gpt-image-1', prompt, quality: 'hd' })
  expect(await running.upstream.callsFor(prompt)).toMatchObject([{ fields: { quality: 'high' } }])
})

test('several images of one prompt of ai 7 are one call with n', async () => {
  const { images } = await generateImage({
    model: openaiImages(anybody()),
    prompt: 'Three boats',
    n: 3,
    size: '1536x1024',
  })
  expect(new Set(images.map(({ base64 }) => base64)).size).toBe(3)
  expect(await running.upstream.callsFor('Three boats')).toMatchObject([{ fields: { n: 3, size: '1536x1024' } }])
})

test('ai 7 raises its own AI_RetryError once it has tried again in vain', async () => {
  const key = await running.operator.team('poor', { budget_usd: 0.000001 })
  const model = openaiImages(callerOf(running.gateway, key))
  const error = await errorOf(generateImage({ model, prompt: 'A gull too dear', maxRetries: 1 }))
  expect(error).toBeInstanceOf(RetryError)
  expect(error).toMatchObject({ reason: 'maxRetriesExceeded', lastError: { statusCode: 429 } })
  expect(await running.upstream.callsFor('A gull too dear')).toEqual([])
})

const model = 'gemini-3-pro-image'

test.each([
  ['3', three],
  ['2', two],
])('google genai %s finds no picture where a prompt is blocked, and why', async (version, models) => {
  const contents = `A fight by google genai ${version} @fault=moderation`
  const answer = await models(anybody()).generateContent({ model, contents })
  expect(picturesOf(answer)).toEqual([])
  expect(answer.promptFeedback?.blockReason).toEqual(expect.any(String))
})

test.each([
  ['3', three],
  ['2', two],
])('google genai %s asks for a shape in its own words', async (version, models) => {
  const contents = `A wide kite by google genai ${version}`
  const config = { responseModalities: ['IMAGE'], imageConfig: { aspectRatio: '16:9', imageSize: '2K' } }
  expect(picturesOf(await models(anybody()).generateContent({ model, contents, config }))).toHaveLength(1)
  expect(await running.upstream.callsFor(contents)).toMatchObject([{ fields: { size: '2752x1536' } }])
})

test('a chat of google genai 3 edits the picture that it was answered with', async () => {
  const { origin, key } = anybody()
  const chat = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: origin } }).chats.create({ model })
  const green = picturesOf(await chat.sendMessage({ message: 'A green kite' }))
  const red = picturesOf(await chat.sendMessage({ message: 'Make it red' }))
  expect(red.map(decodePng)).toEqual([{ width: 16, height: 16 }])
  const edits = (await running.upstream.calls()).filter(({ files }) =>
    files.some((file) => green.map(sha256).includes(file.sha256)),
  )
  expect(edits).toMatchObject([{ path: '/v1/images/edits' }])
  expect(edits[0]?.fields['prompt']).toContain('Make it red')
})

test('the fixed parameters of DallEAPIWrapper for dall-e-3 are made by its successor', async () => {
  await toolWith(anybody(), { quality: 'hd' }).invoke('A fox in the snow')
  const [call] = await running.upstream.callsFor('A fox in the snow')
  expect(call?.fields).toEqual({
    model: 'gpt-image-2.5-sunburst',
    prompt: 'A fox in the snow',
    size: '1024x1024',
    quality: 'high',
  })
})

test('openrouter sdk 1 reads a streamed chat to its end, though its types have no place for the picture', async () => {
  const messages = [{ role: 'user' as const, content: 'A sail' }]
  const chatRequest = { model: 'openai/gpt-image-2', modalities: ['image' as const], messages, stream: true }
  const answer = await openrouter(anybody()).chat.send({ chatRequest })
  if (!(Symbol.asyncIterator in answer)) throw new Error('this is no stream')
  const chunks = await rest(answer)
  expect(chunks.at(-1)?.choices).toMatchObject([{ finishReason: 'stop' }])
  expect(await running.upstream.callsFor('A sail')).toHaveLength(1)
})
