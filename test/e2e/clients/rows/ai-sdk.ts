import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, type ImageModel, generateImage } from 'ai'
import { type ImageOrder, generatedImagesOf, optionsOf, promptOf } from '../support/ai-sdk.ts'
import type { Caller, Client } from '../support/client.ts'

/** The image model of OpenAI's provider. */
export const openaiImages = ({ origin, key }: Caller): ImageModel =>
  createOpenAI({ baseURL: `${origin}/v1`, apiKey: key }).image('gpt-image-2')

const compatible = ({ origin, key }: Caller): ImageModel =>
  createOpenAICompatible({ name: 'darkroom', baseURL: `${origin}/v1`, apiKey: key }).imageModel('gpt-image-2')

const imagesOf = (name: string, model: (caller: Caller) => ImageModel): Client =>
  generatedImagesOf({
    name,
    edits: true,
    error: APICallError,
    generate: (caller: Caller, order: ImageOrder) =>
      generateImage({
        model: model(caller),
        prompt: promptOf(order),
        n: order.n ?? 1,
        providerOptions: optionsOf(order),
        maxRetries: 0,
      }),
  })

/** Vercel's AI SDK with its image models. */
export const AI_SDK_CLIENTS: Client[] = [
  imagesOf('ai 7 with its openai provider, images', openaiImages),
  imagesOf('ai 7 with its openai-compatible provider, images', compatible),
]
