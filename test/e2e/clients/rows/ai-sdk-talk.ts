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
import { bytesOf, generatedFilesOf, raisesOf } from '../support/ai-sdk.ts'
import type { Caller, Client } from '../support/client.ts'
import { TEXT_MODEL } from '../support/conversations.ts'
import { decodedFrom, picturesShownIn } from '../support/shown.ts'

const GEMINI = 'gemini-nano-banana-2.1'

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
  lacks: {
    masked: 'A chat has no place for a mask.',
    linked: 'The picture of a chat is always a link in its text.',
    two: 'A text has one choice.',
    wrong: 'It checks prompts itself, and its other options are those of texts.',
  },
  ...raisesOf(APICallError),
})

type Tool = Parameters<ReturnType<typeof createOpenAI>['tools']['imageGeneration']>[0]

const answered = async (caller: Caller, asked: { prompt: string } | { messages: Messages }, tool: Tool) => {
  const tools = { image_generation: openai(caller).tools.imageGeneration(tool) }
  const model = openai(caller)(TEXT_MODEL)
  const { staticToolResults } = await generateText({ model, ...asked, tools, maxRetries: 0 })
  return staticToolResults.map(({ output }) => decodedFrom(output.result))
}

type Messages = Awaited<ReturnType<typeof messageWith>>

const responses: Client = {
  name: 'ai 7 with its openai provider, responses',
  make: (caller, prompt) => answered(caller, { prompt }, { model: 'gpt-image-2' }),
  edit: async (caller, text, image) => answered(caller, { messages: await messageWith(text, image) }, {}),
  stream: {
    previews: 2,
    run: async (caller, prompt) => {
      const tools = { image_generation: openai(caller).tools.imageGeneration({ partialImages: 2 }) }
      const { fullStream } = streamText({ model: openai(caller)(TEXT_MODEL), prompt, tools, maxRetries: 0 })
      const shown: Buffer[] = []
      for await (const part of fullStream) {
        if (part.type === 'tool-result' && !part.dynamic) shown.push(decodedFrom(part.output.result))
      }
      // Its provider marks previews, but it drops the mark.
      return { previews: shown.slice(0, -1), pictures: shown.slice(-1) }
    },
  },
  wrong: {
    ask: (caller) =>
      answered(
        caller,
        { prompt: 'A mite' },
        { model: 'gpt-image-2', outputCompression: 100, outputFormat: 'png', background: 'transparent' },
      ),
    raises: { error: APICallError, details: { statusCode: 400, isRetryable: false } },
  },
  lacks: {
    masked: 'The mask of its tool belongs to one picture.',
    linked: 'The result of a call is base64 alone.',
    two: 'The tool makes one picture.',
  },
  ...raisesOf(APICallError),
}

const imagesModel = (caller: Caller): ImageModel => google(caller).image(GEMINI)

const made = async (caller: Caller, prompt: Parameters<typeof generateImage>[0]['prompt'], n = 1): Promise<Buffer[]> =>
  bytesOf((await generateImage({ model: imagesModel(caller), prompt, n, maxRetries: 0 })).images)

const googleImages: Client = {
  name: 'ai 7 with its google provider, images',
  make: made,
  edit: async (caller, text, image) => made(caller, { text, images: [await image.bytes()] }),
  wrong: {
    ask: (caller) => generateImage({ model: google(caller).image('gemini-none'), prompt: 'A kite', maxRetries: 0 }),
    raises: { error: APICallError, details: { statusCode: 404, isRetryable: false } },
  },
  lacks: {
    masked: 'Its provider throws for a mask.',
    linked: "Google's API answers with bytes alone.",
    two: 'It splits them into equal requests, which are one picture here.',
    stream: 'generateImage has no stream.',
  },
  ...raisesOf(APICallError),
  stranger: { error: APICallError, details: { statusCode: 400, isRetryable: false } },
  refusal: { error: NoImageGeneratedError, details: { name: 'AI_NoImageGeneratedError' } },
}

const googleFiles = generatedFilesOf({
  name: 'ai 7 with its google provider, files of a text',
  error: APICallError,
  generate: (caller, messages, model) => generateText({ model: google(caller)(model), messages, maxRetries: 0 }),
  stream: (caller, messages, model) => streamText({ model: google(caller)(model), messages, maxRetries: 0 }),
})

/** Vercel's AI SDK with models of texts, and Google's models of images. */
export const AI_SDK_TALKS: Client[] = [
  chatOf('ai 7 with its openai provider, chat', (caller) => openai(caller).chat('gpt-image-2')),
  chatOf('ai 7 with its openai-compatible provider, chat', compatible),
  responses,
  googleImages,
  googleFiles,
]
