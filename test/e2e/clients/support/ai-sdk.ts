import type { Client, Raised, Caller } from './client.ts'

/** A request to `generateImage`, in the terms of all versions of the AI SDK. */
export interface ImageOrder {
  prompt: string
  n?: number
  /** Asks for JPEG with a transparent background, which no model makes. */
  isWrong?: boolean
  images?: Uint8Array[]
  mask?: Uint8Array
}

const TRANSPARENT = { background: 'transparent', output_format: 'jpeg' }

/** The options of both providers. Versions since 5 have names of their own for them. */
export const optionsOf = ({ isWrong }: ImageOrder): Record<string, Record<string, string>> =>
  isWrong ? { openai: { ...TRANSPARENT, outputFormat: 'jpeg' }, darkroom: TRANSPARENT } : {}

/** The prompt of versions since 6: words, or words with pictures. */
export const promptOf = ({ prompt, images, mask }: ImageOrder) =>
  images ? { text: prompt, images, ...(mask && { mask }) } : prompt

interface Generated {
  images: readonly { uint8Array: Uint8Array }[]
}

/** The pictures of an answer. */
export const bytesOf = (files: readonly { uint8Array: Uint8Array }[]): Buffer[] =>
  files.map(({ uint8Array }) => Buffer.from(uint8Array))

/** The fields of `APICallError` for each refusal. */
export const raisesOf = (error: Raised['error'], refused = 400) => ({
  refusal: { error, details: { statusCode: refused, isRetryable: false } },
  stranger: { error, details: { statusCode: 401, isRetryable: false } },
  limit: { error, details: { statusCode: 429, isRetryable: true } },
})

interface ImageModelRow {
  name: string
  isOlder?: boolean
  /** Versions before 6 have a prompt of words alone. */
  edits: boolean
  error: Raised['error']
  generate: (caller: Caller, order: ImageOrder) => Promise<Generated>
}

const NO_EDITS = 'Its generateImage takes a text alone.'

/** The images of `generateImage` with OpenAI's form of an API. */
export function generatedImagesOf({ edits, error, generate, ...row }: ImageModelRow): Client {
  const pictures = async (caller: Caller, order: ImageOrder): Promise<Buffer[]> =>
    bytesOf((await generate(caller, order)).images)
  const editing: Pick<Client, 'edit' | 'masked'> = {
    edit: async (caller, prompt, image) => pictures(caller, { prompt, images: [await image.bytes()] }),
    masked: async (caller, prompt, { images: [one, other], mask }) =>
      pictures(caller, { prompt, images: [await one.bytes(), await other.bytes()], mask: await mask.bytes() }),
  }
  return {
    ...row,
    make: (caller, prompt) => pictures(caller, { prompt }),
    ...(edits ? editing : {}),
    two: (caller, prompt) => pictures(caller, { prompt, n: 2 }),
    wrong: {
      ask: (caller) => pictures(caller, { prompt: 'A mite', isWrong: true }),
      raises: { error, details: { statusCode: 400, isRetryable: false } },
    },
    lacks: {
      ...(edits ? {} : { edit: NO_EDITS, masked: NO_EDITS }),
      linked: 'Its providers always ask for base64.',
      stream: 'generateImage has no stream.',
    },
    ...raisesOf(error),
  }
}

type Content = (
  | { type: 'text'; text: string }
  | { type: 'file'; data: Uint8Array; mediaType: string; mimeType: string }
)[]

/** A message; version 4 reads the type of a file from another field than the later ones. */
export interface Message {
  role: 'user'
  content: Content
}

type Files = readonly { uint8Array: Uint8Array }[]

interface FilesRow {
  name: string
  isOlder?: boolean
  error: Raised['error']
  generate: (caller: Caller, messages: Message[], model: string) => Promise<{ files: Files }>
  stream: (caller: Caller, messages: Message[], model: string) => { files: PromiseLike<Files> }
}

/** A message of words. */
export const said = (text: string): Message[] => [{ role: 'user', content: [{ type: 'text', text }] }]

/** A message of words and pictures. */
export async function saidWith(text: string, images: File[]): Promise<Message[]> {
  const files = images.map(async (image) => {
    const { type } = image
    return { type: 'file' as const, data: await image.bytes(), mediaType: type, mimeType: type }
  })
  return [{ role: 'user', content: [{ type: 'text', text }, ...(await Promise.all(files))] }]
}

const GEMINI = 'gemini-nano-banana-2.1'

/** The files of a text, in Google's form of an API. */
export function generatedFilesOf({ name, isOlder = false, error, generate, stream }: FilesRow): Client {
  const unknown = (caller: Caller): Promise<unknown> => generate(caller, said('A kite'), 'no-such-model')
  const missing = { error, details: { statusCode: 404, isRetryable: false } }
  return {
    name,
    isOlder,
    make: async (caller, prompt) => bytesOf((await generate(caller, said(prompt), GEMINI)).files),
    edit: async (caller, prompt, image) =>
      bytesOf((await generate(caller, await saidWith(prompt, [image]), GEMINI)).files),
    stream: {
      previews: 0,
      run: async (caller, prompt) => ({
        previews: [],
        pictures: bytesOf(await stream(caller, said(prompt), GEMINI).files),
      }),
    },
    wrong: { ask: unknown, raises: missing },
    lacks: {
      masked: "Google's API has no masks.",
      linked: "Google's API answers with bytes alone.",
      two: 'A text has one candidate.',
    },
    ...raisesOf(error),
    stranger: { error, details: { statusCode: 400, isRetryable: false } },
    // It raises nothing for a blocked prompt.
    refused: unknown,
    refusal: missing,
  }
}
