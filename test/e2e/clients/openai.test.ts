import { OpenAI } from 'openai'
import { expect, test } from 'vitest'
import { decodePng } from '../support/pictures.ts'
import { served } from '../support/served.ts'
import { type Caller, type Client, callerOf } from './support/client.ts'
import {
  TEXT_MODEL,
  inputWith,
  messageWith,
  picturesOfChat,
  picturesOfOutput,
  streamedChat,
  streamedResponse,
} from './support/conversations.ts'
import { RAISES, imagesOf } from './support/openai-images.ts'
import { testClients } from './support/test-clients.ts'

const sdk = ({ origin, key }: Caller): OpenAI => new OpenAI({ baseURL: `${origin}/v1`, apiKey: key })

const chats = (caller: Caller): OpenAI['chat']['completions'] => sdk(caller).chat.completions
const model = 'gpt-image-2'

const chat: Client = {
  name: 'openai 7, chat',
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
  name: 'openai 7, responses',
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

const running = served()

testClients(running, [imagesOf('openai 7, images', sdk), chat, responses])

test("openai 7's own helpers follow its streams to the end", async () => {
  const client = sdk(callerOf(running.gateway, running.gateway.key))
  const content = 'A tide, followed by a helper'
  const completion = await client.chat.completions
    .stream({ model, messages: [{ role: 'user', content }] })
    .finalChatCompletion()
  const response = await client.responses.stream({ model: TEXT_MODEL, input: content, tools }).finalResponse()
  const [[one], [other]] = [await picturesOfChat(completion), picturesOfOutput(response.output)]
  expect(decodePng(one ?? Buffer.alloc(0))).toEqual({ width: 16, height: 16 })
  expect(other).toEqual(one)
  expect(await running.upstream.callsFor(content)).toHaveLength(1)
})
