import type { Caller, Client } from '../support/client.ts'
import { decoded, fetched } from '../../support/pictures.ts'
import { type Part, answerOf, formOf, refusedWith } from '../support/raw.ts'

/** A client of another language: how it writes JSON and forms. */
interface Language {
  name: string
  headers: Record<string, string>
  /** The fields of its JSON, where it leaves none out. */
  fields: (asked: Asked) => Record<string, unknown>
  parts: (asked: Asked, image: File) => Part[]
  /** The characters of a boundary. */
  boundary: string
}

interface Asked {
  prompt: string
  n?: number
  size?: string
  response_format?: 'url'
}

const MODEL = 'gpt-image-2'

const post = async ({ origin, key }: Caller, path: string, headers: Record<string, string>, body: string | Buffer) =>
  answerOf(
    await fetch(`${origin}/v1/images/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, ...headers },
      body,
    }),
  )

const clientOf = ({ name, headers, fields, parts, boundary }: Language): Client => {
  const create = (caller: Caller, asked: Asked) =>
    post(caller, 'generations', { 'content-type': 'application/json', ...headers }, JSON.stringify(fields(asked)))
  return {
    name,
    make: async (caller, prompt) => decoded(await create(caller, { prompt })),
    edit: async (caller, prompt, image) => {
      const type = `multipart/form-data; boundary=${boundary}`
      const form = await formOf(boundary, parts({ prompt }, image))
      return decoded(await post(caller, 'edits', { ...headers, 'content-type': type }, form))
    },
    linked: async (caller, prompt) => fetched(await create(caller, { prompt, response_format: 'url' })),
    two: async (caller, prompt) => decoded(await create(caller, { prompt, n: 2 })),
    wrong: {
      ask: (caller) => create(caller, { prompt: 'A mite', size: 'tiny' }),
      raises: refusedWith(400, { param: 'size' }),
    },
    lacks: {
      masked: 'Its edits take one picture.',
      stream: 'It has no streams of images.',
    },
    refusal: refusedWith(400, { code: 'moderation_blocked' }),
    stranger: refusedWith(401, { code: 'invalid_api_key' }),
    limit: refusedWith(429, { code: 'rate_limit_exceeded' }),
  }
}

const field = (name: string, value: string, headers: Record<string, string> = {}): Part => ({
  headers: { 'Content-Disposition': `form-data; name="${name}"`, ...headers },
  body: value,
})

/** Writes every field of a form, with nothing behind those that are unset. */
const go: Language = {
  name: 'go-openai 1',
  headers: { accept: 'application/json', 'user-agent': 'Go-http-client/1.1' },
  fields: (asked) => ({ model: MODEL, ...asked }),
  parts: ({ prompt, n = 1, size = '', response_format = '' }, image) => [
    {
      headers: {
        'Content-Disposition': 'form-data; name="image"; filename="kitchen.png"',
        'Content-Type': 'application/octet-stream',
      },
      body: image,
    },
    field('prompt', prompt),
    field('model', MODEL),
    field('n', String(n)),
    field('size', size),
    field('response_format', response_format),
    field('quality', ''),
    field('user', ''),
  ],
  boundary: '6d4f61c1fbc8cba1a42a4cb0ab8a16d7ad96c5c6f2a2b3f0f6f6a1d2e3f4',
}

/** Guzzle says the length of each part. */
const php: Language = {
  name: 'openai-php 0',
  headers: { 'user-agent': 'GuzzleHttp/7' },
  fields: (asked) => ({ model: MODEL, ...asked }),
  parts: ({ prompt }, image) => [
    field('model', MODEL, { 'Content-Length': String(MODEL.length) }),
    {
      headers: {
        'Content-Disposition': 'form-data; name="image"; filename="kitchen.png"',
        'Content-Length': String(image.size),
        'Content-Type': 'image/png',
      },
      body: image,
    },
    field('prompt', prompt, { 'Content-Length': String(Buffer.byteLength(prompt)) }),
  ],
  boundary: '0a5b6d7c8e9f00112233445566778899aabbccdd',
}

/** Faraday's files have an empty type and an encoding. */
const ruby: Language = {
  name: 'ruby-openai 8',
  headers: { 'user-agent': 'Faraday v2.9.0' },
  fields: (asked) => ({ model: MODEL, ...asked }),
  parts: ({ prompt }, image) => [
    field('model', MODEL),
    field('prompt', prompt),
    {
      headers: {
        'Content-Disposition': 'form-data; name="image"; filename="kitchen.png"',
        'Content-Length': String(image.size),
        'Content-Type': '',
        'Content-Transfer-Encoding': 'binary',
      },
      body: image,
    },
  ],
  boundary: '-----------RubyMultipartPost-5f3a7b9c1d2e4f60',
}

/** Names no model, and sends its platform as a header of JSON. */
const python0: Language = {
  name: 'python openai 0.28',
  headers: {
    'user-agent': 'OpenAI/v1 PythonBindings/0.28.1',
    'x-openai-client-user-agent': '{"bindings_version": "0.28.1"}',
  },
  fields: (asked) => ({ response_format: 'b64_json', ...asked }),
  parts: ({ prompt }, image) => [
    field('prompt', prompt),
    field('response_format', 'b64_json'),
    {
      headers: {
        'Content-Disposition': 'form-data; name="image"; filename="image"',
        'Content-Type': 'application/octet-stream',
      },
      body: image,
    },
  ],
  boundary: 'c1f3a2b4d5e6978812345678deadbeef',
}

/** httpx writes the files behind the fields; several have brackets behind their name. */
const pythonOf = (major: number, user: string): Language => ({
  name: `python openai ${major}`,
  headers: { 'user-agent': user, 'x-stainless-lang': 'python', 'x-stainless-retry-count': '0' },
  fields: (asked) => ({ model: MODEL, ...asked }),
  parts: ({ prompt }, image) => [
    field('prompt', prompt),
    field('model', MODEL),
    {
      headers: {
        'Content-Disposition': 'form-data; name="image[]"; filename="kitchen.png"',
        'Content-Type': 'image/png',
      },
      body: image,
    },
  ],
  boundary: '9d2c1b0a8f7e6d5c4b3a291807f6e5d4',
})

/** Requests as the clients of other languages write them. */
export const RAW_CLIENTS: Client[] = [
  go,
  php,
  ruby,
  python0,
  pythonOf(1, 'OpenAI/Python 1.109.1'),
  pythonOf(3, 'OpenAI/Python 3.2.0'),
].map(clientOf)
