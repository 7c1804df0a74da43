import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import {
  APICallError,
  type ImageModel,
  type LanguageModel,
  experimental_generateImage as generateImage,
  generateText,
  streamText,
} from 'ai'
import { generatedFilesOf, generatedImagesOf, optionsOf } from '../../e2e/clients/support/ai-sdk.ts'
import type { Caller, Client } from '../../e2e/clients/support/client.ts'

/** It splits n into equal requests for models that it does not know. */
const openai = ({ origin, key }: Caller): ImageModel =>
  createOpenAI({ baseURL: `${origin}/v1`, apiKey: key }).image('gpt-image-1')

const compatible = ({ origin, key }: Caller): ImageModel =>
  createOpenAICompatible({ name: 'darkroom', baseURL: `${origin}/v1`, apiKey: key }).imageModel('gpt-image-2')

const google = ({ origin, key }: Caller, model: string): LanguageModel =>
  createGoogleGenerativeAI({ baseURL: `${origin}/v1beta`, apiKey: key })(model)

const imagesOf = (name: string, model: (caller: Caller) => ImageModel): Client =>
  generatedImagesOf({
    name,
    isOlder: true,
    edits: false,
    error: APICallError,
    generate: (caller, order) =>
      generateImage({
        model: model(caller),
        prompt: order.prompt,
        n: order.n ?? 1,
        providerOptions: optionsOf(order),
        maxRetries: 0,
      }),
  })

/** Version 4 of Vercel's AI SDK. */
export const AI_4_CLIENTS: Client[] = [
  imagesOf('ai 4 with its openai provider, images', openai),
  imagesOf('ai 4 with its openai-compatible provider, images', compatible),
  generatedFilesOf({
    name: 'ai 4 with its google provider, files of a text',
    isOlder: true,
    error: APICallError,
    generate: (caller, messages, model) => generateText({ model: google(caller, model), messages, maxRetries: 0 }),
    stream: (caller, messages, model) => {
      const answer = streamText({ model: google(caller, model), messages, maxRetries: 0 })
      // Its promises wait for a reader of the stream.
      return { files: answer.consumeStream().then(() => answer.files) }
    },
  }),
]
