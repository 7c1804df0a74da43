import { knock, KEY } from './gateway'

/** What is asked for, in no wire format's words. */
export interface Question {
  prompt: string
  /** In pixels, and as the ratio and the resolution that mean the same to gpt-image-2. */
  size?: { pixels: string; ratio: string; resolution: string }
  /** A picture that is to be edited, as a data URL. */
  picture?: string
}

/** How a family of wire formats tells what went wrong: the status, and words of the body. */
export type Told = readonly [status: number, words: string]

export interface Failures {
  moderated: Told
  limited: Told
  down: Told
  bad: Told
}

/** One way of asking for a picture. */
export interface Way {
  name: string
  failures: Failures
  ask: (question: Question, key?: string) => Promise<Response>
}

const MODEL = 'gpt-image-2'

type Body = Record<string, unknown>

interface Wire {
  path: (question: Question) => string
  body: (question: Question) => Body
  headers?: (key: string) => Record<string, string>
}

const bearer = (key: string): Record<string, string> => ({ authorization: `Bearer ${key}` })

const way = (name: string, failures: Failures, wire: Wire): Way => ({
  name,
  failures,
  ask: (question, key = KEY) =>
    knock(wire.path(question), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(wire.headers ?? bearer)(key) },
      body: JSON.stringify(wire.body(question)),
    }),
})

export const OPENAI: Failures = {
  moderated: [400, '"code":"moderation_blocked"'],
  limited: [429, '"code":"rate_limit_exceeded"'],
  down: [502, '"type":"server_error"'],
  bad: [400, '"type":"invalid_request_error"'],
}
const OPENROUTER: Failures = {
  moderated: [403, '"error":{"code":403'],
  limited: [429, '"error":{"code":429'],
  down: [502, '"error":{"code":502'],
  bad: [400, '"error":{"code":400'],
}
const GEMINI: Failures = {
  moderated: [200, '"blockReason":"'],
  limited: [429, '"status":"RESOURCE_EXHAUSTED"'],
  down: [502, '"status":"UNAVAILABLE"'],
  bad: [400, '"status":"INVALID_ARGUMENT"'],
}
const GRSAI: Failures = {
  moderated: [200, '"failure_reason":"input_moderation"'],
  limited: [200, '"code":-1'],
  down: [200, '"failure_reason":"error"'],
  bad: [200, '"code":-1'],
}
const GRSAI_NEW: Failures = {
  moderated: [200, '"status":"violation"'],
  limited: [429, '"status":"failed"'],
  down: [200, '"status":"failed"'],
  bad: [400, '"status":"failed"'],
}

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

const grsai = ({ prompt, size, picture }: Question): Body => ({
  model: MODEL,
  prompt,
  aspectRatio: size?.pixels,
  urls: picture && [picture],
})

/** Every way of asking for a picture, each in another wire format or in another form of one. */
export const WAYS: readonly Way[] = [
  way('OpenAI Images', OPENAI, {
    path: (question) => `/v1/images/${operation(question)}`,
    body: (question) => ({ model: MODEL, ...images(question) }),
  }),
  way('Azure by deployment', OPENAI, {
    path: (question) => `/openai/deployments/${MODEL}/images/${operation(question)}?api-version=2025-04-01-preview`,
    body: images,
    headers: (key) => ({ 'api-key': key }),
  }),
  way('Azure v1', OPENAI, {
    path: (question) => `/openai/v1/images/${operation(question)}?api-version=preview`,
    body: (question) => ({ model: MODEL, ...images(question) }),
    headers: (key) => ({ 'api-key': key }),
  }),
  way('chat as relays speak it', OPENAI, {
    path: () => '/v1/chat/completions',
    body: (question) => ({ model: MODEL, messages: messages(question), size: question.size?.pixels }),
  }),
  way('chat as OpenRouter speaks it', OPENAI, {
    path: () => '/v1/chat/completions',
    body: (question) => ({
      model: MODEL,
      messages: messages(question),
      modalities: ['image', 'text'],
      image_config: imageConfig(question),
    }),
  }),
  way('OpenRouter chat, streamed', OPENROUTER, {
    path: () => '/api/v1/chat/completions',
    body: (question) => ({
      model: `openai/${MODEL}`,
      messages: messages(question),
      modalities: ['image'],
      image_config: imageConfig(question),
      stream: true,
    }),
  }),
  way('OpenRouter images', OPENROUTER, {
    path: () => '/api/v1/images',
    body: ({ prompt, size, picture }) => ({
      model: `openai/${MODEL}`,
      prompt,
      aspect_ratio: size?.ratio,
      resolution: size?.resolution,
      input_references: picture && [{ type: 'image_url', image_url: { url: picture } }],
    }),
  }),
  way('Responses with the tool', OPENAI, {
    path: () => '/v1/responses',
    body: (question) => ({
      model: 'gpt-5.5',
      input: input(question),
      tools: [{ type: 'image_generation', model: MODEL, size: question.size?.pixels }],
    }),
  }),
  way('Responses, streamed', OPENAI, {
    path: () => '/v1/responses',
    body: (question) => ({
      model: 'gpt-5.5',
      input: input(question),
      tools: [{ type: 'image_generation', size: question.size?.pixels }],
      stream: true,
    }),
  }),
  way('Gemini', GEMINI, {
    path: () => `/v1beta/models/${MODEL}:generateContent`,
    body: gemini,
    headers: (key) => ({ 'x-goog-api-key': key }),
  }),
  way('Gemini, streamed', GEMINI, {
    path: () => `/v1/models/${MODEL}:streamGenerateContent?alt=sse`,
    body: gemini,
    headers: (key) => ({ 'x-goog-api-key': key }),
  }),
  way('GrsAI draw', GRSAI, { path: () => '/v1/draw/completions', body: grsai }),
  way('GrsAI nano-banana', GRSAI, {
    path: () => '/v1/draw/nano-banana',
    body: ({ prompt, size, picture }) => ({
      model: MODEL,
      prompt,
      aspectRatio: size?.ratio,
      imageSize: size?.resolution,
      urls: picture && [picture],
    }),
  }),
  way('GrsAI api', GRSAI_NEW, {
    path: () => '/v1/api/generate',
    body: ({ prompt, size, picture }) => ({
      model: MODEL,
      prompt,
      aspectRatio: size?.ratio,
      imageSize: size?.resolution,
      images: picture && [picture],
      replyType: 'json',
    }),
  }),
]

/** Whether an answer shows a picture: its bytes as base64, or a link of this gateway. */
export const showsPicture = (text: string): boolean =>
  /iVBORw0KGgo/.test(text) || /\/images\/gen_[0-9a-f]+\/[\w-]+\.png\?exp=\d+&sig=[\w-]{20,}/.test(text)
