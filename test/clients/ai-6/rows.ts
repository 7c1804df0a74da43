import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { createOpenRouter } from '@openrouter/ai-sdk-provider'
import { APICallError, type ImageModel, type LanguageModel, generateImage, generateText, streamText } from 'ai'
import { generatedFilesOf, generatedImagesOf, optionsOf, promptOf } from '../../e2e/clients/support/ai-sdk.ts'
import type { Caller, Client } from '../../e2e/clients/support/client.ts'
import { providerOf } from '../../e2e/clients/support/openrouter-provider.ts'

const openai = ({ origin, key }: Caller): ImageModel =>
  createOpenAI({ baseURL: `${origin}/v1`, apiKey: key }).image('gpt-image-2')

const compatible = ({ origin, key }: Caller): ImageModel =>
  createOpenAICompatible({ name: 'darkroom', baseURL: `${origin}/v1`, apiKey: key }).imageModel('gpt-image-2')

const google = ({ origin, key }: Caller, model: string): LanguageModel =>
  createGoogleGenerativeAI({ baseURL: `${origin}/v1beta`, apiKey: key })(model)

const imagesOf = (name: string, model: (caller: Caller) => ImageModel): Client =>
  generatedImagesOf({
    name,
    isOlder: true,
    edits: true,
    error: APICallError,
    generate: (caller, order) =>
      generateImage({
        model: model(caller),
        prompt: promptOf(order),
        n: order.n ?? 1,
        providerOptions: optionsOf(order),
        maxRetries: 0,
      }),
  })

const openrouter = ({ origin, key }: Caller) => createOpenRouter({ baseURL: `${origin}/api/v1`, apiKey: key })

/** Version 6 of Vercel's AI SDK. */
export const AI_6_CLIENTS: Client[] = [
  imagesOf('ai 6 with its openai provider, images', openai),
  imagesOf('ai 6 with its openai-compatible provider, images', compatible),
  generatedFilesOf({
    name: 'ai 6 with its google provider, files of a text',
    isOlder: true,
    error: APICallError,
    generate: (caller, messages, model) => generateText({ model: google(caller, model), messages, maxRetries: 0 }),
    stream: (caller, messages, model) => streamText({ model: google(caller, model), messages, maxRetries: 0 }),
  }),
  ...providerOf({
    name: 'openrouter provider 2 for ai 6',
    isOlder: true,
    say: (caller, messages) =>
      generateText({ model: openrouter(caller).chat('openai/gpt-image-2'), messages, maxRetries: 0 }),
    draw: (caller, prompt) =>
      generateImage({ model: openrouter(caller).imageModel('openai/gpt-image-2'), prompt, maxRetries: 0 }),
  }),
]
