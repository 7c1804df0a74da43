import { knock, KEY } from './gateway'
import { type Failures, GEMINI, GRSAI, GRSAI_NEW, OPENAI, OPENROUTER } from './expected-failures'

/** A request for a picture, in no wire format. */
export interface Question {
  prompt: string
  /** Its fields; the model is gpt-image-2 by default. */
  model?: string
  /** In pixels, and as the ratio and the resolution that gpt-image-2 turns into the same size. */
  size?: { pixels: string; ratio: string; resolution: string }
  /** An input picture, as a data URL. */
  picture?: string
}

/** A wire format, or one of its forms, for a request. */
export interface Way {
  name: string
  failures: Failures
  ask: (question: Question, key?: string) => Promise<Response>
}

export const MODEL = 'gpt-image-2'

type Body = Record<string, unknown>
type Asked = Question & { model: string }

interface Wire {
  path: (asked: Asked) => string
  body: (asked: Asked) => Body
  headers?: (key: string) => Record<string, string>
}

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` })

const way = (name: string, failures: Failures, wire: Wire): Way => ({
  name,
  failures,
  ask: (question, key = KEY) => {
    const asked = { model: MODEL, ...question }
    return knock(wire.path(asked), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(wire.headers ?? bearer)(key) },
      body: JSON.stringify(wire.body(asked)),
    })
  },
})

/** A model in OpenRouter's form, with a vendor before it. */
const ofVendor = (model: string): string => (model.includes('/') ? model : `openai/${model}`)

/** The path of a model's pictures at Azure. */
export const deployment = (model: string, operation: string): string =>
  `/openai/deployments/${encodeURIComponent(model)}/images/${operation}?api-version=2025-04-01-preview`

const images = ({ prompt, size, picture }: Question): Body => ({
  prompt,
  size: size?.pixels,
  images: picture && [{ image_url: picture }],
})
const operation = ({ picture }: Question): string => (picture ? 'edits' : 'generations')

const messages = ({ prompt, picture }: Question): Body[] => {
  const parts = picture && [
    { type: 'text', text: prompt },
    { type: 'image_url', image_url: { url: picture } },
  ]
  return [{ role: 'user', content: parts ?? prompt }]
}
const imageConfig = ({ size }: Question): Body | undefined =>
  size && { aspect_ratio: size.ratio, image_size: size.resolution }

const input = ({ prompt, picture }: Question): unknown =>
  picture
    ? [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: prompt },
            { type: 'input_image', image_url: picture, detail: 'auto' },
          ],
        },
      ]
    : prompt

const base64Of = (picture: string): string => picture.slice(picture.indexOf(',') + 1)

const gemini = ({ prompt, size, picture }: Question): Body => ({
  contents: [
    {
      role: 'user',
      parts: [
        { text: prompt },
        ...(picture ? [{ inlineData: { mimeType: 'image/png', data: base64Of(picture) } }] : []),
      ],
    },
  ],
  generationConfig: {
    responseModalities: ['IMAGE'],
    imageConfig: size && { aspectRatio: size.ratio, imageSize: size.resolution },
  },
})

const grsai = ({ model, prompt, size, picture }: Asked): Body => ({
  model,
  prompt,
  aspectRatio: size?.pixels,
  urls: picture && [picture],
})

const relayChat = (asked: Asked): Body => ({
  model: asked.model,
  messages: messages(asked),
  size: asked.size?.pixels,
})

/** Every wire format, in each of its forms. */
export const WAYS: readonly Way[] = [
  way('OpenAI Images', OPENAI, {
    path: (asked) => `/v1/images/${operation(asked)}`,
    body: (asked) => ({ model: asked.model, ...images(asked) }),
  }),
  way('Azure by deployment', OPENAI, {
    path: (asked) => deployment(asked.model, operation(asked)),
    body: images,
    headers: (key) => ({ 'api-key': key }),
  }),
  way('Azure v1', OPENAI, {
    path: (asked) => `/openai/v1/images/${operation(asked)}?api-version=preview`,
    body: (asked) => ({ model: asked.model, ...images(asked) }),
    headers: (key) => ({ 'api-key': key }),
  }),
  way('chat as relays speak it', OPENAI, {
    path: () => '/v1/chat/completions',
    body: relayChat,
  }),
  way('chat as OpenRouter speaks it', OPENAI, {
    path: () => '/v1/chat/completions',
    body: (asked) => ({
      model: asked.model,
      messages: messages(asked),
      modalities: ['image', 'text'],
      image_config: imageConfig(asked),
    }),
  }),
  way('OpenRouter chat, streamed', OPENROUTER, {
    path: () => '/api/v1/chat/completions',
    body: (asked) => ({
      model: ofVendor(asked.model),
      messages: messages(asked),
      modalities: ['image'],
      image_config: imageConfig(asked),
      stream: true,
    }),
  }),
  way('OpenRouter images', OPENROUTER, {
    path: () => '/api/v1/images',
    body: ({ model, prompt, size, picture }) => ({
      model: ofVendor(model),
      prompt,
      aspect_ratio: size?.ratio,
      resolution: size?.resolution,
      input_references: picture && [{ type: 'image_url', image_url: { url: picture } }],
    }),
  }),
  way('Responses with the tool', OPENAI, {
    path: () => '/v1/responses',
    body: (asked) => ({
      model: 'gpt-5.5',
      input: input(asked),
      tools: [{ type: 'image_generation', model: asked.model, size: asked.size?.pixels }],
    }),
  }),
  way('Responses, streamed', OPENAI, {
    path: () => '/v1/responses',
    body: (asked) => ({
      // A tool without a model has that of the response if it makes pictures.
      model: asked.model,
      input: input(asked),
      tools: [{ type: 'image_generation', size: asked.size?.pixels }],
      stream: true,
    }),
  }),
  way('Gemini', GEMINI, {
    path: ({ model }) => `/v1beta/models/${model}:generateContent`,
    body: gemini,
    headers: (key) => ({ 'x-goog-api-key': key }),
  }),
  way('Gemini, streamed', GEMINI, {
    path: ({ model }) => `/v1/models/${model}:streamGenerateContent?alt=sse`,
    body: gemini,
    headers: (key) => ({ 'x-goog-api-key': key }),
  }),
  way('GrsAI draw', GRSAI, { path: () => '/v1/draw/completions', body: grsai }),
  way('GrsAI nano-banana', GRSAI, {
    path: () => '/v1/draw/nano-banana',
    body: ({ model, prompt, size, picture }) => ({
      model,
      prompt,
      aspectRatio: size?.ratio,
      imageSize: size?.resolution,
      urls: picture && [picture],
    }),
  }),
  way('GrsAI api', GRSAI_NEW, {
    path: () => '/v1/api/generate',
    body: ({ model, prompt, size, picture }) => ({
      model,
      prompt,
      aspectRatio: size?.ratio,
      imageSize: size?.resolution,
      images: picture && [picture],
      replyType: 'json',
    }),
  }),
]

/** The wire formats with streams. */
export const STREAM_WAYS: readonly Way[] = [
  way('OpenAI Images, streamed', OPENAI, {
    path: (asked) => `/v1/images/${operation(asked)}`,
    body: (asked) => ({ model: asked.model, ...images(asked), stream: true }),
  }),
  way('chat as relays speak it, streamed', OPENAI, {
    path: () => '/v1/chat/completions',
    body: (asked) => ({ ...relayChat(asked), stream: true }),
  }),
]

/** Whether an answer shows a picture: its bytes as base64, or a link of this gateway. */
export const showsPicture = (text: string): boolean =>
  /iVBORw0KGgo/.test(text) || /\/images\/gen_[0-9a-f]+\/[\w-]+\.png\?exp=\d+&sig=[\w-]{20,}/.test(text)
