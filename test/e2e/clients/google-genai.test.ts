import { ApiError, GoogleGenAI } from '@google/genai'
import { ApiError as ApiError2, GoogleGenAI as GoogleGenAI2 } from 'google-genai-2'
import { expect, test } from 'vitest'
import { decodePng, sha256 } from '../support/pictures.ts'
import { served } from '../support/served.ts'
import { type Caller, type Client, type Raised, callerOf } from './support/client.ts'
import { testClients } from './support/test-clients.ts'
import { decodedFrom } from './support/shown.ts'

const running = served()
const model = 'gemini-3-pro-image'

interface Part {
  inlineData?: { data?: string }
  thought?: boolean
}

interface Answer {
  candidates?: { content?: { parts?: Part[] } }[]
  promptFeedback?: { blockReason?: string }
}

interface Asked {
  model: string
  contents: string | ({ text: string } | { inlineData: { mimeType: string; data: string } })[]
  config?: { responseModalities?: string[]; imageConfig?: { aspectRatio?: string; imageSize?: string } }
}

/** The common part of both versions of the client. */
interface Models {
  generateContent: (asked: Asked) => Promise<Answer>
  generateContentStream: (asked: Asked) => Promise<AsyncIterable<Answer>>
}

/** The final picture's parts; those of a thought are drafts. */
const picturesOf = ({ candidates = [] }: Answer): Buffer[] =>
  candidates
    .flatMap(({ content }) => content?.parts ?? [])
    .filter(({ inlineData, thought }) => inlineData && !thought)
    .map(({ inlineData }) => decodedFrom(inlineData?.data ?? ''))

const clientOf = (name: string, models: (caller: Caller) => Models, error: Raised['error']): Client => ({
  name,
  make: async (caller, contents) => picturesOf(await models(caller).generateContent({ model, contents })),
  edit: async (caller, text, image) => {
    const inlineData = { mimeType: image.type, data: Buffer.from(await image.bytes()).toString('base64') }
    return picturesOf(await models(caller).generateContent({ model, contents: [{ text }, { inlineData }] }))
  },
  stream: {
    previews: 0,
    run: async (caller, contents) => {
      const pictures: Buffer[] = []
      const chunks = await models(caller).generateContentStream({ model, contents })
      for await (const chunk of chunks) pictures.push(...picturesOf(chunk))
      return { previews: [], pictures }
    },
  },
  // It raises nothing for a blocked prompt.
  refused: (caller) => models(caller).generateContent({ model: 'no-such-model', contents: 'A kite' }),
  refusal: { error, details: { status: 404, message: expect.stringContaining('"NOT_FOUND"') } },
  limit: { error, details: { status: 429, message: expect.stringContaining('"RESOURCE_EXHAUSTED"') } },
})

const three = ({ origin, key }: Caller): Models =>
  new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: origin } }).models

const two = ({ origin, key }: Caller): Models =>
  new GoogleGenAI2({ apiKey: key, httpOptions: { baseUrl: origin } }).models

testClients(running, [clientOf('google genai 3', three, ApiError), clientOf('google genai 2', two, ApiError2)])

test.each([
  ['3', three],
  ['2', two],
])('google genai %s finds no picture where a prompt is blocked, and why', async (version, models) => {
  const contents = `A fight by google genai ${version} @fault=moderation`
  const caller = callerOf(running.gateway, running.gateway.key)
  const answer = await models(caller).generateContent({ model, contents })
  expect(picturesOf(answer)).toEqual([])
  expect(answer.promptFeedback?.blockReason).toEqual(expect.any(String))
})

test.each([
  ['3', three],
  ['2', two],
])('google genai %s asks for a shape in its own words', async (version, models) => {
  const contents = `A wide kite by google genai ${version}`
  const config = { responseModalities: ['IMAGE'], imageConfig: { aspectRatio: '16:9', imageSize: '2K' } }
  const caller = callerOf(running.gateway, running.gateway.key)
  expect(picturesOf(await models(caller).generateContent({ model, contents, config }))).toHaveLength(1)
  expect(await running.upstream.callsFor(contents)).toMatchObject([{ fields: { size: '2752x1536' } }])
})

test('a chat of google genai 3 edits the picture that it was answered with', async () => {
  const { origin, key } = callerOf(running.gateway, running.gateway.key)
  const chat = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: origin } }).chats.create({ model })
  const green = picturesOf(await chat.sendMessage({ message: 'A green kite' }))
  const red = picturesOf(await chat.sendMessage({ message: 'Make it red' }))
  expect(red.map(decodePng)).toEqual([{ width: 16, height: 16 }])
  const edits = (await running.upstream.calls()).filter(({ files }) =>
    files.some((file) => green.map(sha256).includes(file.sha256)),
  )
  expect(edits).toMatchObject([{ path: '/v1/images/edits' }])
  expect(edits[0]?.fields['prompt']).toContain('Make it red')
})
