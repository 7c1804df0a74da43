import { createOpenRouter } from '@openrouter/ai-sdk-provider'
import { OpenRouter } from '@openrouter/sdk'
import type { ChatResult, ImageGenerationResponse } from '@openrouter/sdk/models'
import {
  BadRequestResponseError,
  ForbiddenResponseError,
  TooManyRequestsResponseError,
  UnauthorizedResponseError,
} from '@openrouter/sdk/models/errors'
import { generateImage, generateText } from 'ai'
import type { Caller, Client, Streamed } from '../support/client.ts'
import { providerOf } from '../support/openrouter-provider.ts'
import { dataUrl, decodedFrom, pictureAt } from '../support/shown.ts'

/** OpenRouter's own client. */
export const openrouter = ({ origin, key }: Caller): OpenRouter =>
  new OpenRouter({ apiKey: key, serverURL: `${origin}/api/v1` })

const RAISES = {
  refusal: { error: ForbiddenResponseError, details: { statusCode: 403 } },
  stranger: { error: UnauthorizedResponseError, details: { statusCode: 401 } },
  limit: { error: TooManyRequestsResponseError, details: { statusCode: 429 } },
} satisfies Pick<Client, 'refusal' | 'stranger' | 'limit'>

const model = 'openai/gpt-image-2'

type Sdk<Name extends 'images' | 'chat'> = OpenRouter[Name]

/** Throws if the answer is a stream. */
function whole<Answer extends object>(answer: Answer | AsyncIterable<unknown>): Answer {
  if (Symbol.asyncIterator in answer) throw new Error('this is a stream')
  return answer
}

type ImageRequest = Parameters<Sdk<'images'>['generate']>[0]['imageGenerationRequest']

const generated = async (caller: Caller, asked: Omit<ImageRequest, 'model'>): Promise<Buffer[]> => {
  const answer = await openrouter(caller).images.generate({ imageGenerationRequest: { model, ...asked } })
  return whole<ImageGenerationResponse>(answer).data.map(({ b64Json }) => decodedFrom(b64Json))
}

async function streamed(answer: Awaited<ReturnType<Sdk<'images'>['generate']>>): Promise<Streamed> {
  if (!(Symbol.asyncIterator in answer)) throw new Error('this is no stream')
  const all: Streamed = { previews: [], pictures: [] }
  for await (const event of answer) {
    if (event.type === 'image_generation.partial_image') all.previews.push(decodedFrom(event.b64Json))
    if (event.type === 'image_generation.completed') all.pictures.push(decodedFrom(event.b64Json))
  }
  return all
}

const images: Client = {
  name: 'openrouter sdk 1, images',
  make: (caller, prompt) => generated(caller, { prompt }),
  edit: async (caller, prompt, image) => {
    const inputReferences = [{ type: 'image_url' as const, imageUrl: { url: await dataUrl(image) } }]
    return generated(caller, { prompt, inputReferences })
  },
  two: (caller, prompt) => generated(caller, { prompt, n: 2 }),
  stream: {
    previews: 2,
    run: async (caller, prompt) =>
      streamed(await openrouter(caller).images.generate({ imageGenerationRequest: { model, prompt, stream: true } })),
  },
  wrong: {
    ask: (caller) => generated(caller, { prompt: '' }),
    raises: { error: BadRequestResponseError, details: { statusCode: 400 } },
  },
  lacks: {
    masked: "OpenRouter's images have no masks.",
    linked: "OpenRouter's images are base64 alone.",
  },
  ...RAISES,
}

type Content = Extract<
  Parameters<Sdk<'chat'>['send']>[0]['chatRequest']['messages'][number],
  { role: 'user' }
>['content']

const said = async (caller: Caller, content: Content): Promise<Buffer[]> => {
  const messages = [{ role: 'user' as const, content }]
  const answer = await openrouter(caller).chat.send({ chatRequest: { model, modalities: ['image', 'text'], messages } })
  const pictures = whole<ChatResult>(answer).choices.flatMap(({ message }) => message.images ?? [])
  return Promise.all(pictures.map(({ imageUrl }) => pictureAt(imageUrl.url)))
}

const chat: Client = {
  name: 'openrouter sdk 1, chat',
  make: said,
  edit: async (caller, text, image) =>
    said(caller, [
      { type: 'text', text },
      { type: 'image_url', imageUrl: { url: await dataUrl(image) } },
    ]),
  wrong: {
    ask: (caller) => said(caller, ''),
    raises: { error: BadRequestResponseError, details: { statusCode: 400 } },
  },
  lacks: {
    masked: 'A chat has no place for a mask.',
    linked: 'The picture of a chat is a data URL.',
    two: 'A chat has one choice.',
    stream: 'Its types have no place for the picture of a streamed chat.',
  },
  ...RAISES,
}

const provider = ({ origin, key }: Caller) => createOpenRouter({ baseURL: `${origin}/api/v1`, apiKey: key })

/** OpenRouter's clients. */
export const OPENROUTER_CLIENTS: Client[] = [
  images,
  chat,
  ...providerOf({
    name: 'openrouter provider 3 for ai 7',
    say: (caller, messages) => generateText({ model: provider(caller).chat(model), messages, maxRetries: 0 }),
    draw: (caller, prompt) => generateImage({ model: provider(caller).imageModel(model), prompt, maxRetries: 0 }),
  }),
]
