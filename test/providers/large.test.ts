import { afterEach, expect, test, vi } from 'vitest'
import { PROVIDERS } from '../../src/providers'
import { internet } from '../support/internet'
import { OPENAI } from '../support/openai-account'
import { asking, askingToEdit, type Reader, run, type Told } from '../support/provider-run'

afterEach(() => void vi.restoreAllMocks())

const MEGABYTE = 1024 * 1024
const SIZE = 50 * MEGABYTE
const BASE64_OF_3 = 'AAAA'
const HOST = 'https://api.example.com'
const FILE = 'https://files.example.com/a.png'

/** A text with so many bytes of base64 in place of `…`, sent in pieces on demand. */
function lengthy(text: string, bytes: number = SIZE, type = 'application/json'): Response {
  const [head = '', tail = ''] = text.split('…')
  const piece = new TextEncoder().encode(BASE64_OF_3.repeat(16 * 1024))
  let left = Math.ceil(bytes / 3) * 4
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(head)),
    pull(controller) {
      if (left > 0) controller.enqueue(piece.slice(0, left))
      else controller.enqueue(new TextEncoder().encode(tail))
      if (left <= 0) controller.close()
      left -= piece.length
    },
  })
  return new Response(body, { headers: { 'content-type': type } })
}

const asBytes = (): Response => lengthy('…', (SIZE / 4) * 3, 'image/png')
const json = (body: unknown): Response => Response.json(body)

const JOB = {
  id: 'a',
  request_id: 'a',
  polling_url: `${HOST}/a?id=a`,
  status_url: `${HOST}/a`,
  response_url: `${HOST}/b`,
}
const DATA = '{"data":[{"b64_json":"…"}]}'

/** The answer of each provider with a picture of 50 MB, and the requested model. */
const ANSWERS: Readonly<Record<string, [model: string, ...answers: (() => Response)[]]>> = {
  openai: ['gpt-image-2', () => lengthy(DATA)],
  ark: ['doubao-seedream-4-0-250828', () => lengthy(DATA)],
  'azure-openai': ['pictures', () => lengthy(DATA)],
  'black-forest-labs': ['flux-2-pro', () => json(JOB), () => json({ status: 'Ready', result: { sample: FILE } })],
  dashscope: ['qwen-image-3.0', () => json({ output: { choices: [{ message: { content: [{ image: FILE }] } }] } })],
  fal: [
    'fal-ai/flux/dev',
    () => json(JOB),
    () => json({ status: 'COMPLETED' }),
    () => json({ images: [{ url: FILE }] }),
  ],
  fireworks: ['flux-1-dev-fp8', asBytes],
  gemini: [
    'gemini-3-pro-image',
    () => lengthy('{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"…"}}]}}]}'),
  ],
  grsai: [
    'gpt-image-2',
    () => json({ code: 0, data: { id: 'a' } }),
    () => json({ code: 0, data: { status: 'succeeded', results: [{ url: FILE }] } }),
  ],
  ideogram: ['ideogram-v3', () => json({ data: [{ url: FILE }] })],
  'midjourney-proxy': [
    'midjourney',
    () => json({ code: 1, result: 'a' }),
    () => json({ status: 'SUCCESS', imageUrl: FILE }),
    () => json({ code: 1, result: 'b' }),
    () => json({ status: 'SUCCESS', imageUrl: FILE }),
  ],
  'openai-chat': [
    'relay-art',
    () => lengthy('{"choices":[{"message":{"content":"![](data:image/png;base64,…)"},"finish_reason":"stop"}]}'),
  ],
  openrouter: ['gpt-image-2', () => lengthy(DATA)],
  recraft: ['recraftv3', () => lengthy(DATA)],
  replicate: [
    'acme/painter',
    () => json({ id: 'a', urls: { get: `${HOST}/a` } }),
    () => json({ status: 'succeeded', output: FILE }),
  ],
  stability: ['stable-image-core', asBytes],
  together: ['acme/painter', () => lengthy(DATA)],
  'workers-ai': ['@cf/acme/painter', () => lengthy('{"result":{"image":"…"},"success":true}')],
  xai: ['grok-imagine-image', () => json({ data: [{ url: FILE }] })],
}

const others = PROVIDERS.filter(({ id }) => id !== 'demo')

test.each(others)('a picture of 50 MB passes through $id in pieces', async (provider) => {
  const [model = '', ...answers] = ANSWERS[provider.id] ?? []
  let at = 0
  internet({
    'api.example.com': { handle: () => answers[at++]?.() ?? new Response(null, { status: 500 }) },
    'files.example.com': { handle: asBytes },
  })
  let [length, longest] = [0, 0]
  const reader: Reader = async (bytes) => {
    for await (const chunk of bytes) {
      length += chunk.length
      longest = Math.max(longest, chunk.length)
    }
    return ''
  }
  const upstream = { ...OPENAI, provider, baseUrl: HOST }
  const events = await run(asking('A cat', { model, partials: 0 }), { upstream, reader })
  expect(events.at(-1)).toMatchObject({ type: 'summary' })
  expect(length).toBeGreaterThanOrEqual(SIZE)
  expect(longest).toBeLessThanOrEqual(MEGABYTE / 4)
})

/** The model for edits, if it is another. */
const EDITORS: Readonly<Record<string, string>> = {
  fireworks: 'flux-kontext-pro',
  ideogram: 'ideogram-4-6',
  replicate: 'black-forest-labs/flux-kontext-pro',
  stability: 'stable-image-ultra',
}

test.each(others)('a picture to edit of 50 MB is sent to $id in pieces', async (provider) => {
  const model = EDITORS[provider.id] ?? ANSWERS[provider.id]?.[0] ?? ''
  let [length, longest] = [0, 0]
  const handle = async (request: Request): Promise<Response> => {
    for await (const chunk of request.body ?? []) {
      length += chunk.length
      longest = Math.max(longest, chunk.length)
    }
    return new Response('Enough', { status: 500 })
  }
  internet({ 'api.example.com': { handle } })
  const image = { key: 'input', sha256: 'input', bytes: SIZE, mediaType: 'image/png' }
  const told: Told[] = await run(askingToEdit('A cat', { model, images: [image], partials: 0 }), {
    upstream: { ...OPENAI, provider, baseUrl: HOST },
    open: async () => new Blob([new Uint8Array(SIZE)]).stream(),
  })
  expect(told).toMatchObject([{ kind: 'unavailable' }])
  expect(length).toBeGreaterThan(SIZE)
  expect(longest).toBeLessThanOrEqual(MEGABYTE / 4)
})
