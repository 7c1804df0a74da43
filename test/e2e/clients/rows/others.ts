import { googleAI } from '@genkit-ai/google-genai'
import { Agent, OpenAIProvider, Runner, imageGenerationTool } from '@openai/agents'
import { generateImage } from '@tanstack/ai'
import { createOpenaiImage } from '@tanstack/ai-openai'
import { genkit } from 'genkit'
import { OpenAI } from 'openai'
import { Portkey } from 'portkey-ai'
import type { Caller, Client, Raised } from '../support/client.ts'
import { TEXT_MODEL } from '../support/conversations.ts'
import { imagesOf, raisesOf } from '../support/openai-images.ts'
import { dataUrl, decodedFrom, pictureAt } from '../support/shown.ts'

/** The errors of a copy of OpenAI's client within another package. */
const opaque = (status: number, code: string): Raised => ({ error: Error, details: { status, code } })

const OPAQUE = {
  refusal: opaque(400, 'moderation_blocked'),
  stranger: opaque(401, 'invalid_api_key'),
  limit: opaque(429, 'rate_limit_exceeded'),
}

const wrongSize: Raised = { error: Error, details: { status: 400, param: 'size' } }

const portkey = ({ origin, key }: Caller): Portkey =>
  new Portkey({ baseURL: `${origin}/v1`, apiKey: key, Authorization: `Bearer ${key}` })

const portkeyImages: Client = {
  ...imagesOf({ name: 'portkey-ai 3, images', errors: OpenAI }, portkey),
  ...OPAQUE,
  wrong: {
    ask: async (caller) => portkey(caller).images.generate({ model: 'gpt-image-2', prompt: 'A mite', size: 'tiny' }),
    raises: wrongSize,
  },
}

type Prompt = Parameters<typeof generateImage<ReturnType<typeof tanstack>>>[0]['prompt']

const tanstack = ({ origin, key }: Caller) => createOpenaiImage('gpt-image-2', key, { baseURL: `${origin}/v1` })

const drawn = async (caller: Caller, prompt: Prompt, numberOfImages = 1): Promise<Buffer[]> => {
  const { images } = await generateImage({ adapter: tanstack(caller), prompt, numberOfImages })
  return images.map(({ b64Json = '' }) => decodedFrom(b64Json))
}

const partOf = async (image: File, role: 'reference' | 'mask') => ({
  type: 'image' as const,
  source: { type: 'url' as const, value: await dataUrl(image), mimeType: image.type },
  metadata: { role },
})

const tanstackImages: Client = {
  name: 'tanstack ai 0, images',
  make: drawn,
  edit: async (caller, content, image) => drawn(caller, [{ type: 'text', content }, await partOf(image, 'reference')]),
  masked: async (caller, content, { images: [one, other], mask }) =>
    drawn(caller, [
      { type: 'text', content },
      await partOf(one, 'reference'),
      await partOf(other, 'reference'),
      await partOf(mask, 'mask'),
    ]),
  two: (caller, prompt) => drawn(caller, prompt, 2),
  lacks: {
    linked: 'It asks for the default form, which is base64.',
    stream: 'Its streams announce the result of a whole request.',
    wrong: 'It checks sizes and numbers itself.',
  },
  ...OPAQUE,
}

const flow = async ({ origin, key }: Caller, prompt: Parts, model = 'gemini-3-pro-image'): Promise<Buffer[]> => {
  const kit = genkit({ plugins: [googleAI({ apiKey: key, baseUrl: origin })] })
  const { media } = await kit.generate({ model: googleAI.model(model, { responseModalities: ['IMAGE'] }), prompt })
  return media ? [await pictureAt(media.url)] : []
}

type Parts = string | ({ text: string } | { media: { url: string; contentType: string } })[]

const genkitError = (status: string): Raised => ({ error: Error, details: { status } })

const unknownModel = {
  ask: (caller: Caller) => flow(caller, 'A kite', 'gemini-none-image'),
  raises: genkitError('UNKNOWN'),
}

const genkitImages: Client = {
  name: 'genkit 1 with googleAI',
  make: (caller, prompt) => flow(caller, prompt),
  edit: async (caller, text, image) =>
    flow(caller, [{ text }, { media: { url: await dataUrl(image), contentType: image.type } }]),
  wrong: unknownModel,
  lacks: {
    masked: "Google's API has no masks.",
    linked: "Google's API answers with bytes alone.",
    two: 'Image models of this API have one candidate.',
    stream: 'Its streams have the same media as its whole answers.',
  },
  // It raises nothing for a blocked prompt.
  refused: unknownModel.ask,
  refusal: unknownModel.raises,
  stranger: genkitError('INVALID_ARGUMENT'),
  limit: genkitError('RESOURCE_EXHAUSTED'),
}

type Input = string | Awaited<ReturnType<typeof agentInput>>

const agentInput = async (text: string, image: File) => [
  {
    role: 'user' as const,
    content: [
      { type: 'input_text' as const, text },
      { type: 'input_image' as const, image: await dataUrl(image) },
    ],
  },
]

const TOOL = { model: 'gpt-image-2' }

const acted = async ({ origin, key }: Caller, input: Input, tool = TOOL): Promise<Buffer[]> => {
  const modelProvider = new OpenAIProvider({ apiKey: key, baseURL: `${origin}/v1`, useResponses: true })
  const agent = new Agent({ name: 'painter', model: TEXT_MODEL, tools: [imageGenerationTool(tool)] })
  const { newItems } = await new Runner({ modelProvider, tracingDisabled: true }).run(agent, input)
  return newItems.flatMap(({ type, rawItem }) => {
    if (type !== 'tool_call_item' || rawItem?.type !== 'hosted_tool_call') return []
    return [decodedFrom(rawItem.output ?? '')]
  })
}

const agents: Client = {
  name: 'openai agents 0, the image tool',
  make: acted,
  edit: async (caller, text, image) => acted(caller, await agentInput(text, image)),
  wrong: {
    ask: (caller) => acted(caller, 'A mite', Object.assign({ partialImages: 9 }, TOOL)),
    raises: { error: OpenAI.BadRequestError, details: { status: 400, param: 'tools[0].partial_images' } },
  },
  lacks: {
    masked: 'The mask of the tool belongs to one picture.',
    linked: 'The result of a call is base64 alone.',
    two: 'The tool makes one picture.',
    stream: 'Its streams have the events of openai 7: see its responses.',
  },
  ...raisesOf(OpenAI),
}

/** Clients of other vendors, and OpenAI's agents. */
export const OTHER_CLIENTS: Client[] = [portkeyImages, tanstackImages, genkitImages, agents]
