import { OpenRouter } from '@openrouter/sdk'
import type { ChatResult, ImageGenerationResponse } from '@openrouter/sdk/models'
import { ForbiddenResponseError, TooManyRequestsResponseError } from '@openrouter/sdk/models/errors'
import { expect, test } from 'vitest'
import { rest } from '../support/requests.ts'
import { served } from '../support/served.ts'
import { type Caller, type Client, type Streamed, callerOf } from './support/client.ts'
import { testClients } from './support/test-clients.ts'
import { dataUrl, decodedFrom, pictureAt } from './support/shown.ts'

const sdk = ({ origin, key }: Caller): OpenRouter => new OpenRouter({ apiKey: key, serverURL: `${origin}/api/v1` })

const RAISES = {
  refusal: { error: ForbiddenResponseError, details: { statusCode: 403 } },
  limit: { error: TooManyRequestsResponseError, details: { statusCode: 429 } },
} satisfies Pick<Client, 'refusal' | 'limit'>

const model = 'openai/gpt-image-2'

type Sdk<Name extends 'images' | 'chat'> = OpenRouter[Name]

/** Throws if the answer is a stream. */
function whole<Answer extends object>(answer: Answer | AsyncIterable<unknown>): Answer {
  if (Symbol.asyncIterator in answer) throw new Error('this is a stream')
  return answer
}

const picturesOf = (answer: Awaited<ReturnType<Sdk<'images'>['generate']>>): Buffer[] =>
  whole<ImageGenerationResponse>(answer).data.map(({ b64Json }) => decodedFrom(b64Json))

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
  make: async (caller, prompt) =>
    picturesOf(await sdk(caller).images.generate({ imageGenerationRequest: { model, prompt } })),
  edit: async (caller, prompt, image) => {
    const inputReferences = [{ type: 'image_url' as const, imageUrl: { url: await dataUrl(image) } }]
    const imageGenerationRequest = { model, prompt, inputReferences }
    return picturesOf(await sdk(caller).images.generate({ imageGenerationRequest }))
  },
  stream: {
    previews: 2,
    run: async (caller, prompt) =>
      streamed(await sdk(caller).images.generate({ imageGenerationRequest: { model, prompt, stream: true } })),
  },
  ...RAISES,
}

const modalities: ('image' | 'text')[] = ['image', 'text']

const picturesOfChat = (answer: Awaited<ReturnType<Sdk<'chat'>['send']>>): Promise<Buffer[]> =>
  Promise.all(
    whole<ChatResult>(answer).choices.flatMap(({ message }) =>
      (message.images ?? []).map(({ imageUrl }) => pictureAt(imageUrl.url)),
    ),
  )

const chat: Client = {
  name: 'openrouter sdk 1, chat',
  make: async (caller, content) => {
    const chatRequest = { model, modalities, messages: [{ role: 'user' as const, content }] }
    return picturesOfChat(await sdk(caller).chat.send({ chatRequest }))
  },
  edit: async (caller, prompt, image) => {
    const url = await dataUrl(image)
    const content = [
      { type: 'text' as const, text: prompt },
      { type: 'image_url' as const, imageUrl: { url } },
    ]
    return picturesOfChat(
      await sdk(caller).chat.send({ chatRequest: { model, modalities, messages: [{ role: 'user', content }] } }),
    )
  },
  ...RAISES,
}

const running = served()

testClients(running, [images, chat])

test('openrouter sdk 1 reads a streamed chat to its end, though its types have no place for the picture', async () => {
  const chatRequest = { model, modalities, messages: [{ role: 'user' as const, content: 'A sail' }], stream: true }
  const answer = await sdk(callerOf(running.gateway, running.gateway.key)).chat.send({ chatRequest })
  if (!(Symbol.asyncIterator in answer)) throw new Error('this is no stream')
  const chunks = await rest(answer)
  expect(chunks.at(-1)?.choices).toMatchObject([{ finishReason: 'stop' }])
  expect(await running.upstream.callsFor('A sail')).toHaveLength(1)
})
