import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import {
  APICallError,
  type ImageModel,
  type LanguageModel,
  NoImageGeneratedError,
  generateImage,
  generateText,
  streamText,
} from 'ai'
import { served } from '../support/served.ts'
import type { Caller, Client } from './support/client.ts'
import { TEXT_MODEL } from './support/conversations.ts'
import { testClients } from './support/test-clients.ts'
import { decodedFrom, picturesShownIn } from './support/shown.ts'

const GEMINI = 'gemini-nano-banana-2.1'

const RAISES = {
  refusal: { error: APICallError, details: { statusCode: 400, isRetryable: false } },
  limit: { error: APICallError, details: { statusCode: 429, isRetryable: true } },
} satisfies Pick<Client, 'refusal' | 'limit'>

const openai = ({ origin, key }: Caller): ReturnType<typeof createOpenAI> =>
  createOpenAI({ baseURL: `${origin}/v1`, apiKey: key })

const google = ({ origin, key }: Caller): ReturnType<typeof createGoogleGenerativeAI> =>
  createGoogleGenerativeAI({ baseURL: `${origin}/v1beta`, apiKey: key })

const compatible = ({ origin, key }: Caller): LanguageModel =>
  createOpenAICompatible({ name: 'darkroom', baseURL: `${origin}/v1`, apiKey: key }).chatModel('gpt-image-2')

const messageWith = async (text: string, image: File) => [
  {
    role: 'user' as const,
    content: [
      { type: 'text' as const, text },
      { type: 'file' as const, data: await image.bytes(), mediaType: image.type },
    ],
  },
]

/** A chat with its picture in Markdown. */
const chatOf = (name: string, model: (caller: Caller) => LanguageModel): Client => ({
  name,
  make: async (caller, prompt) =>
    picturesShownIn((await generateText({ model: model(caller), prompt, maxRetries: 0 })).text),
  edit: async (caller, text, image) => {
    const messages = await messageWith(text, image)
    return picturesShownIn((await generateText({ model: model(caller), messages, maxRetries: 0 })).text)
  },
  stream: {
    previews: 0,
    run: async (caller, prompt) => {
      const { text } = streamText({ model: model(caller), prompt, maxRetries: 0 })
      return { previews: [], pictures: await picturesShownIn(await text) }
    },
  },
  ...RAISES,
})

const toolsOf = (caller: Caller) => ({ image_generation: openai(caller).tools.imageGeneration({ partialImages: 2 }) })

const responses: Client = {
  name: 'ai 7 with its openai provider, responses',
  make: async (caller, prompt) => {
    const tools = { image_generation: openai(caller).tools.imageGeneration({ model: 'gpt-image-2' }) }
    const { staticToolResults } = await generateText({
      model: openai(caller)(TEXT_MODEL),
      prompt,
      tools,
      maxRetries: 0,
    })
    return staticToolResults.map(({ output }) => decodedFrom(output.result))
  },
  edit: async (caller, text, image) => {
    const request = { messages: await messageWith(text, image), tools: toolsOf(caller), maxRetries: 0 }
    const { staticToolResults } = await generateText({ model: openai(caller)(TEXT_MODEL), ...request })
    return staticToolResults.map(({ output }) => decodedFrom(output.result))
  },
  stream: {
    previews: 2,
    run: async (caller, prompt) => {
      const { fullStream } = streamText({
        model: openai(caller)(TEXT_MODEL),
        prompt,
        tools: toolsOf(caller),
        maxRetries: 0,
      })
      const shown: Buffer[] = []
      for await (const part of fullStream) {
        if (part.type === 'tool-result' && !part.dynamic) shown.push(decodedFrom(part.output.result))
      }
      // Its provider marks previews, but it drops the mark.
      return { previews: shown.slice(0, -1), pictures: shown.slice(-1) }
    },
  },
  ...RAISES,
}

const imagesModel = (caller: Caller): ImageModel => google(caller).image(GEMINI)

const bytesOf = (files: readonly { uint8Array: Uint8Array }[]): Buffer[] =>
  files.map(({ uint8Array }) => Buffer.from(uint8Array))

const googleImages: Client = {
  name: 'ai 7 with its google provider, images',
  make: async (caller, prompt) =>
    bytesOf((await generateImage({ model: imagesModel(caller), prompt, maxRetries: 0 })).images),
  edit: async (caller, text, image) => {
    const prompt = { text, images: [await image.bytes()] }
    return bytesOf((await generateImage({ model: imagesModel(caller), prompt, maxRetries: 0 })).images)
  },
  refusal: { error: NoImageGeneratedError, details: { name: 'AI_NoImageGeneratedError' } },
  limit: RAISES.limit,
}

const googleFiles: Client = {
  name: 'ai 7 with its google provider, files of a text',
  make: async (caller, prompt) =>
    bytesOf((await generateText({ model: google(caller)(GEMINI), prompt, maxRetries: 0 })).files),
  edit: async (caller, text, image) => {
    const messages = await messageWith(text, image)
    return bytesOf((await generateText({ model: google(caller)(GEMINI), messages, maxRetries: 0 })).files)
  },
  stream: {
    previews: 0,
    run: async (caller, prompt) => {
      const { files } = streamText({ model: google(caller)(GEMINI), prompt, maxRetries: 0 })
      return { previews: [], pictures: bytesOf(await files) }
    },
  },
  // It raises nothing for a blocked prompt.
  refused: (caller) => generateText({ model: google(caller)('no-such-model'), prompt: 'A kite', maxRetries: 0 }),
  refusal: { error: APICallError, details: { statusCode: 404, isRetryable: false } },
  limit: RAISES.limit,
}

testClients(served(), [
  chatOf('ai 7 with its openai provider, chat', (caller) => openai(caller).chat('gpt-image-2')),
  chatOf('ai 7 with its openai-compatible provider, chat', compatible),
  responses,
  googleImages,
  googleFiles,
])
