import { decoded, fetched } from '../../support/pictures.ts'
import type { Caller, Client, Raised, Streamed } from './client.ts'
import { decodedFrom } from './shown.ts'

/** The error classes of one version of OpenAI's client. */
interface Errors {
  AuthenticationError: Raised['error']
  BadRequestError: Raised['error']
  RateLimitError: Raised['error']
}

/** The errors of a version of OpenAI's client. */
export const raisesOf = ({ AuthenticationError, BadRequestError, RateLimitError }: Errors) => ({
  refusal: { error: BadRequestError, details: { status: 400, code: 'moderation_blocked' } },
  stranger: { error: AuthenticationError, details: { status: 401, code: 'invalid_api_key' } },
  limit: { error: RateLimitError, details: { status: 429, code: 'rate_limit_exceeded' } },
})

const MODEL = 'gpt-image-2'

interface Asked {
  model: typeof MODEL
  prompt: string
  n?: number
  size?: '1024x1024'
  response_format?: 'url'
}

interface Answer {
  created: number
  data?: { b64_json?: string; url?: string }[]
}

interface StreamEvent {
  type: string
  b64_json?: string
}

/** The images of OpenAI's client, in all of its versions since 4. */
interface ImagesSdk {
  images: {
    generate(asked: Asked): PromiseLike<Answer>
    edit(asked: Asked & { image: File | File[]; mask?: File }): PromiseLike<Answer>
  }
}

/** The streams that the client has since its version 5. */
interface StreamingSdk {
  images: {
    generate(asked: Asked & { stream: true; partial_images: number }): PromiseLike<AsyncIterable<StreamEvent>>
    generate(asked: Asked): PromiseLike<Answer>
    edit: ImagesSdk['images']['edit']
  }
}

export interface ImagesRow {
  name: string
  isOlder?: boolean
  errors: Errors
}

/** A size that no version's types allow. */
const WRONG_SIZE: Asked = JSON.parse('{ "model": "gpt-image-2", "prompt": "A mite", "size": "tiny" }')

/** The images of a version without streams. */
export function imagesOf({ errors, ...row }: ImagesRow, sdk: (caller: Caller) => ImagesSdk): Client {
  return {
    ...row,
    make: async (caller, prompt) => decoded(await sdk(caller).images.generate({ model: MODEL, prompt })),
    edit: async (caller, prompt, image) => decoded(await sdk(caller).images.edit({ model: MODEL, prompt, image })),
    masked: async (caller, prompt, { images, mask }) =>
      decoded(await sdk(caller).images.edit({ model: MODEL, prompt, image: images, mask })),
    linked: async (caller, prompt) =>
      fetched(await sdk(caller).images.generate({ model: MODEL, prompt, response_format: 'url' })),
    two: async (caller, prompt) => decoded(await sdk(caller).images.generate({ model: MODEL, prompt, n: 2 })),
    wrong: {
      ask: async (caller) => await sdk(caller).images.generate(WRONG_SIZE),
      raises: { error: errors.BadRequestError, details: { status: 400, param: 'size' } },
    },
    lacks: { stream: 'Its types and its code have no streams of images.' },
    ...raisesOf(errors),
  }
}

/** The same with its streams. */
export function streamingImagesOf(row: ImagesRow, sdk: (caller: Caller) => StreamingSdk): Client {
  const run = async (caller: Caller, prompt: string): Promise<Streamed> => {
    const asked = { model: MODEL, prompt, stream: true, partial_images: 2 } as const
    const streamed: Streamed = { previews: [], pictures: [] }
    for await (const { type, b64_json = '' } of await sdk(caller).images.generate(asked)) {
      if (type === 'image_generation.partial_image') streamed.previews.push(decodedFrom(b64_json))
      if (type === 'image_generation.completed') streamed.pictures.push(decodedFrom(b64_json))
    }
    return streamed
  }
  return { ...imagesOf(row, sdk), stream: { previews: 2, run }, lacks: {} }
}
