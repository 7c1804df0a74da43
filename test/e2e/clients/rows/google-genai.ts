import { ApiError, GoogleGenAI } from '@google/genai'
import { GoogleGenerativeAI, GoogleGenerativeAIFetchError } from '@google/generative-ai'
import { expect } from 'vitest'
import { ApiError as ApiError1, GoogleGenAI as GoogleGenAI1 } from 'google-genai-1'
import { ApiError as ApiError2, GoogleGenAI as GoogleGenAI2 } from 'google-genai-2'
import type { Caller, Client, Raised } from '../support/client.ts'
import { decodedFrom } from '../support/shown.ts'

const MODEL = 'gemini-3-pro-image'

interface Part {
  inlineData?: { data?: string }
  thought?: boolean
}

interface Answer {
  candidates?: { content?: { parts?: Part[] } }[]
  promptFeedback?: { blockReason?: string }
}

type Contents = string | ({ text: string } | { inlineData: { mimeType: string; data: string } })[]

interface Asked {
  model: string
  contents: Contents
  config?: { responseModalities?: string[]; imageConfig?: { aspectRatio?: string; imageSize?: string } }
}

/** The common part of all versions of the client. */
export interface Models {
  generateContent: (asked: Asked) => Promise<Answer>
  generateContentStream: (asked: Asked) => Promise<AsyncIterable<Answer>>
}

/** The final picture's parts; those of a thought are drafts. */
export const picturesOf = ({ candidates = [] }: Answer): Buffer[] =>
  candidates
    .flatMap(({ content }) => content?.parts ?? [])
    .filter(({ inlineData, thought }) => inlineData && !thought)
    .map(({ inlineData }) => decodedFrom(inlineData?.data ?? ''))

const inlined = async (image: File) => ({
  inlineData: { mimeType: image.type, data: Buffer.from(await image.bytes()).toString('base64') },
})

interface Row {
  name: string
  isOlder?: boolean
  models: (caller: Caller) => Models
  raises: (status: number, reason: string) => Raised
}

const clientOf = ({ models, raises, ...row }: Row): Client => {
  const unknown = (caller: Caller): Promise<unknown> =>
    models(caller).generateContent({ model: 'no-such-model', contents: 'A kite' })
  const missing = raises(404, '"NOT_FOUND"')
  return {
    ...row,
    make: async (caller, contents) => picturesOf(await models(caller).generateContent({ model: MODEL, contents })),
    edit: async (caller, text, image) =>
      picturesOf(await models(caller).generateContent({ model: MODEL, contents: [{ text }, await inlined(image)] })),
    stream: {
      previews: 0,
      run: async (caller, contents) => {
        const pictures: Buffer[] = []
        const chunks = await models(caller).generateContentStream({ model: MODEL, contents })
        for await (const chunk of chunks) pictures.push(...picturesOf(chunk))
        return { previews: [], pictures }
      },
    },
    wrong: { ask: unknown, raises: missing },
    lacks: {
      masked: "Google's API has no masks.",
      linked: "Google's API answers with bytes alone.",
      two: 'Image models of this API have one candidate.',
    },
    // It raises nothing for a blocked prompt.
    refused: unknown,
    refusal: missing,
    stranger: raises(400, 'API_KEY_INVALID'),
    limit: raises(429, '"RESOURCE_EXHAUSTED"'),
  }
}

const apiError =
  (error: Raised['error']) =>
  (status: number, reason: string): Raised => ({
    error,
    details: { status, message: expect.stringContaining(reason) },
  })

/** Version 3. */
export const three = ({ origin, key }: Caller): Models =>
  new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: origin } }).models

/** Version 2. */
export const two = ({ origin, key }: Caller): Models =>
  new GoogleGenAI2({ apiKey: key, httpOptions: { baseUrl: origin } }).models

const one = ({ origin, key }: Caller): Models =>
  new GoogleGenAI1({ apiKey: key, httpOptions: { baseUrl: origin } }).models

/** The client before `@google/genai`; its requests have another form. */
const before = ({ origin, key }: Caller): Models => {
  const client = (model: string) => new GoogleGenerativeAI(key).getGenerativeModel({ model }, { baseUrl: origin })
  return {
    generateContent: async ({ model, contents }) => (await client(model).generateContent(partsOf(contents))).response,
    generateContentStream: async ({ model, contents }) =>
      (await client(model).generateContentStream(partsOf(contents))).stream,
  }
}

const partsOf = (contents: Contents) => (typeof contents === 'string' ? [{ text: contents }] : contents)

/** Google's own clients. */
export const GOOGLE_CLIENTS: Client[] = [
  clientOf({ name: 'google genai 3', models: three, raises: apiError(ApiError) }),
  clientOf({ name: 'google genai 2', models: two, raises: apiError(ApiError2) }),
  clientOf({ name: 'google genai 1', models: one, raises: apiError(ApiError1), isOlder: true }),
  clientOf({
    name: 'google generative-ai 0',
    models: before,
    raises: (status) => ({ error: GoogleGenerativeAIFetchError, details: { status } }),
  }),
]
