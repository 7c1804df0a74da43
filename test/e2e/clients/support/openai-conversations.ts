import type { Caller, Client } from './client.ts'
import {
  TEXT_MODEL,
  inputWith,
  messageWith,
  picturesOfChat,
  picturesOfOutput,
  streamedChat,
  streamedResponse,
} from './conversations.ts'
import { type ImagesRow, raisesOf } from './openai-images.ts'

const MODEL = 'gpt-image-2'

type Message = { role: 'user'; content: string } | Awaited<ReturnType<typeof messageWith>>

interface Chat {
  model: string
  messages: Message[]
}

/** The chats of OpenAI's client, in all of its versions since 4. */
interface ChatSdk {
  chat: {
    completions: {
      create(asked: Chat): PromiseLike<Parameters<typeof picturesOfChat>[0]>
      create(asked: Chat & { stream: true }): PromiseLike<Parameters<typeof streamedChat>[0]>
    }
  }
}

const LACKS_IN_CHAT = {
  masked: 'A chat has no place for a mask.',
  linked: 'The picture of a chat is always a link in its text.',
  two: 'The picture stands in the text of one choice.',
}

/** The chats of one version. */
export function chatOf({ errors, ...row }: ImagesRow, sdk: (caller: Caller) => ChatSdk): Client {
  const create = async (caller: Caller, message: Message): Promise<Buffer[]> =>
    picturesOfChat(await sdk(caller).chat.completions.create({ model: MODEL, messages: [message] }))
  return {
    ...row,
    make: (caller, content) => create(caller, { role: 'user', content }),
    edit: async (caller, prompt, image) => create(caller, await messageWith(prompt, image)),
    stream: {
      previews: 0,
      run: async (caller, content) => {
        const messages: Message[] = [{ role: 'user', content }]
        return streamedChat(await sdk(caller).chat.completions.create({ model: MODEL, messages, stream: true }))
      },
    },
    wrong: {
      ask: (caller) => create(caller, { role: 'user', content: '' }),
      raises: { error: errors.BadRequestError, details: { status: 400, param: 'messages' } },
    },
    lacks: LACKS_IN_CHAT,
    ...raisesOf(errors),
  }
}

interface Tool {
  type: 'image_generation'
  model: 'gpt-image-1'
  partial_images?: number
}

interface Asked {
  model: string
  input: string | Awaited<ReturnType<typeof inputWith>>
  tools: Tool[]
}

/** The responses of OpenAI's client, in all of its versions since 4. */
interface ResponsesSdk {
  responses: {
    create(asked: Asked): PromiseLike<{ output: Parameters<typeof picturesOfOutput>[0] }>
    create(asked: Asked & { stream: true }): PromiseLike<Parameters<typeof streamedResponse>[0]>
  }
}

const LACKS_IN_RESPONSES = {
  masked: 'The mask of the tool belongs to one picture.',
  linked: 'The result of a call is base64 alone.',
  two: 'The tool makes one picture.',
}

/** The tool's model has been shut down; all versions have it in their types. */
const TOOL: Tool = { type: 'image_generation', model: 'gpt-image-1' }

/** The responses of one version, where a text model calls the image tool. */
export function responsesOf({ errors, ...row }: ImagesRow, sdk: (caller: Caller) => ResponsesSdk): Client {
  const create = async (caller: Caller, input: Asked['input'], tool = TOOL): Promise<Buffer[]> =>
    picturesOfOutput((await sdk(caller).responses.create({ model: TEXT_MODEL, input, tools: [tool] })).output)
  return {
    ...row,
    make: create,
    edit: async (caller, prompt, image) => create(caller, await inputWith(prompt, image)),
    stream: {
      previews: 2,
      run: async (caller, input) => {
        const tools = [{ ...TOOL, partial_images: 2 }]
        return streamedResponse(await sdk(caller).responses.create({ model: TEXT_MODEL, input, tools, stream: true }))
      },
    },
    wrong: {
      ask: (caller) => create(caller, 'A mite', { ...TOOL, partial_images: 9 }),
      raises: { error: errors.BadRequestError, details: { status: 400, param: 'tools[0].partial_images' } },
    },
    lacks: LACKS_IN_RESPONSES,
    ...raisesOf(errors),
  }
}
