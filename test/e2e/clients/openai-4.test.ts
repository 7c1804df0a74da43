import { OpenAI } from 'openai-4'
import { decoded } from '../support/pictures.ts'
import { served } from '../support/served.ts'
import type { Caller, Client } from './support/client.ts'
import {
  TEXT_MODEL,
  inputWith,
  messageWith,
  picturesOfChat,
  picturesOfOutput,
  streamedChat,
  streamedResponse,
} from './support/conversations.ts'
import { testClients } from './support/test-clients.ts'

const sdk = ({ origin, key }: Caller): OpenAI => new OpenAI({ baseURL: `${origin}/v1`, apiKey: key })

const RAISES = {
  refusal: { error: OpenAI.BadRequestError, details: { status: 400, code: 'moderation_blocked' } },
  limit: { error: OpenAI.RateLimitError, details: { status: 429, code: 'rate_limit_exceeded' } },
} satisfies Pick<Client, 'refusal' | 'limit'>

/** The newest model in this version's types, shut down since. */
const model = 'gpt-image-1' as const

/** This version has no image streams. */
const images: Client = {
  name: 'openai 4, images',
  make: async (caller, prompt) => decoded(await sdk(caller).images.generate({ model, prompt, quality: 'hd' })),
  edit: async (caller, prompt, image) => decoded(await sdk(caller).images.edit({ model, prompt, image })),
  ...RAISES,
}

const chats = (caller: Caller): OpenAI['chat']['completions'] => sdk(caller).chat.completions

const chat: Client = {
  name: 'openai 4, chat',
  make: async (caller, content) =>
    picturesOfChat(await chats(caller).create({ model, messages: [{ role: 'user', content }] })),
  edit: async (caller, prompt, image) =>
    picturesOfChat(await chats(caller).create({ model, messages: [await messageWith(prompt, image)] })),
  stream: {
    previews: 0,
    run: async (caller, content) =>
      streamedChat(await chats(caller).create({ model, messages: [{ role: 'user', content }], stream: true })),
  },
  ...RAISES,
}

const tools = [{ type: 'image_generation' as const, model }]

const responses: Client = {
  name: 'openai 4, responses',
  make: async (caller, input) =>
    picturesOfOutput((await sdk(caller).responses.create({ model: TEXT_MODEL, input, tools })).output),
  edit: async (caller, prompt, image) => {
    const input = await inputWith(prompt, image)
    return picturesOfOutput((await sdk(caller).responses.create({ model: TEXT_MODEL, input, tools })).output)
  },
  stream: {
    previews: 2,
    run: async (caller, input) => {
      const previewing = [{ type: 'image_generation' as const, model, partial_images: 2 }]
      const request = { model: TEXT_MODEL, input, tools: previewing, stream: true as const }
      return streamedResponse(await sdk(caller).responses.create(request))
    },
  },
  ...RAISES,
}

testClients(served(), [images, chat, responses])
