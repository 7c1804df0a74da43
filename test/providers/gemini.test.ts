import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { geminiProvider } from '../../src/providers/gemini'
import { FakeGemini } from '../support/fake-gemini'
import { knock, openai, post } from '../support/gateway'
import { picture } from '../support/pictures'
import { playing } from '../support/playing'

const [upstream] = playing(new FakeGemini())

const model = 'gemini-nano-banana-2.1'

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model, prompt, ...more })

interface Answer {
  data: { b64_json: string }[]
  usage: unknown
}

test('a request contains the prompt and the kinds of answer, and nothing else', async () => {
  const response = await ask('A cat')
  expect(response.status).toBe(200)
  const { data } = await response.json<Answer>()
  expect(data.map(({ b64_json }) => b64_json)).toEqual(upstream.finals)
  expect(upstream.sent).toMatchObject([
    {
      method: 'POST',
      path: `/v1beta/models/${model}:generateContent`,
      headers: { 'x-goog-api-key': 'key-of-the-fake', 'content-type': 'application/json' },
    },
  ])
  expect(upstream.sent[0]?.body).toEqual({
    contents: [{ role: 'user', parts: [{ text: 'A cat' }] }],
    generationConfig: { responseModalities: ['IMAGE'] },
  })
})

test("shape, resolution and leniency have the API's names", async () => {
  const response = await ask('A cat', { size: '2752x1536', moderation: 'low' })
  expect(response.status).toBe(200)
  const lenient = (category: string): unknown => ({ category: `HARM_CATEGORY_${category}`, threshold: 'BLOCK_NONE' })
  expect(upstream.sent[0]?.body).toEqual({
    contents: [{ role: 'user', parts: [{ text: 'A cat' }] }],
    generationConfig: {
      responseModalities: ['IMAGE'],
      imageConfig: { aspectRatio: '16:9', imageSize: '2K' },
    },
    safetySettings: ['HARASSMENT', 'HATE_SPEECH', 'SEXUALLY_EXPLICIT', 'DANGEROUS_CONTENT'].map(lenient),
  })
})

test('a seed is sent along', async () => {
  const response = await post('/api/v1/images', { model, prompt: 'A cat', seed: 7 })
  expect(response.status).toBe(200)
  expect(upstream.sent[0]?.body).toEqual({
    contents: [{ role: 'user', parts: [{ text: 'A cat' }] }],
    generationConfig: { responseModalities: ['IMAGE'], seed: 7 },
  })
})

test('pictures to edit are sent as base64 behind the prompt', async () => {
  const [one, two] = [await picture('one'), await picture('two')]
  const files = [one, two].map((bytes, at) => new File([bytes], `${at}.png`, { type: 'image/png' }))
  const { data } = await openai().images.edit({ model, prompt: 'A cat', image: files })
  expect(data).toHaveLength(1)
  const inline = (bytes: Uint8Array): unknown => ({
    inlineData: { mimeType: 'image/png', data: Buffer.from(bytes).toString('base64') },
  })
  expect(upstream.sent[0]?.body).toEqual({
    contents: [{ role: 'user', parts: [{ text: 'A cat' }, inline(one), inline(two)] }],
    generationConfig: { responseModalities: ['IMAGE'] },
  })
})

test('tokens are split by modality, thoughts as text output', async () => {
  const { usage } = await (await ask('A cat')).json<Answer>()
  expect(usage).toMatchObject({
    input_tokens: 12,
    input_tokens_details: { text_tokens: 12, image_tokens: 0 },
    output_tokens: 1231,
    output_tokens_details: { text_tokens: 111, image_tokens: 1120 },
    total_tokens: 1243,
  })
})

test('a JPEG labelled as a PNG is delivered as a JPEG', async () => {
  const response = await ask('A cat @fault=jpeg', { response_format: 'url' })
  const { data } = await response.json<{ data: { url: string }[] }>()
  const image = await knock(data[0]?.url ?? '')
  expect(image.headers.get('content-type')).toBe('image/jpeg')
  expect(Buffer.from(await image.arrayBuffer()).toString('base64')).toBe(upstream.finals[0])
})

test('the signature behind a picture may be of any length', async () => {
  const { data } = await (await ask('A cat @fault=signed')).json<Answer>()
  expect(data.map(({ b64_json }) => b64_json)).toEqual(upstream.finals)
})

test('an answer with its names in snake case, as a proxy may write it, is read as well', async () => {
  const [usual, other] = [await ask('A cat'), await ask('A cat @fault=snake-case')]
  const [{ usage }, answer] = [await usual.json<Answer>(), await other.json<Answer>()]
  expect(answer.data.map(({ b64_json }) => b64_json)).toEqual(upstream.finals.slice(1))
  expect(answer.usage).toEqual(usage)
})

describe('a draft is not the answer', () => {
  const stored = async (): Promise<number> => (await env.IMAGES.list({ prefix: 'images/' })).objects.length

  test.each([
    ['before the picture, and is called one in advance', 'draft-first'],
    ['before the picture, and is called one afterwards', 'draft-first-late'],
    ['behind the picture, and is called one in advance', 'draft-last'],
    ['behind the picture, and is called one afterwards', 'draft-last-late'],
  ])('where it comes %s', async (_, fault) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect(response.status).toBe(200)
    const { data } = await response.json<Answer>()
    expect(data.map(({ b64_json }) => b64_json)).toEqual(upstream.finals)
    expect([upstream.submits, await stored()]).toEqual([1, 1])
  })

  test.each([
    ['in advance', 'draft-alone'],
    ['afterwards', 'draft-alone-late'],
  ])('where nothing else comes and it is called one %s', async (_, fault) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, await stored()]).toEqual([502, 0])
  })
})

describe('when the upstream', () => {
  test.each([
    ['refuses the prompt', 'moderation', 400, 1],
    ['refuses the picture that it made', 'output-moderation', 400, 1],
    ['does not know the language', 'language', 400, 1],
    ['misses a signature', 'MISSING_THOUGHT_SIGNATURE', 400, 1],
    ['escalates the request', 'ESCALATION', 400, 1],
    ['forbids the use', 'PUP_LIMITED_DISABLED', 400, 1],
    ['refuses the request by Model Armor', 'MODEL_ARMOR', 400, 1],
    ['refuses the request in an array', 'unusual', 400, 0],
    ['does not find an entity', 'nameless', 503, 0],
    ['has too many requests', 'limited', 503, 0],
    ['wants to be paid', 'billing', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
    ['has shut the model down', 'retired', 503, 0],
    ['breaks off in the picture, twice', 'cut', 502, 2],
    ['breaks off before it is known to be no draft, twice', 'cut-late', 502, 2],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, upstream.submits]).toEqual([status, submits])
  })

  test('does not find an entity for a long request, that is at fault', async () => {
    const response = await ask(`${'猫'.repeat(20_000)} @fault=nameless`)
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('too long for this model')])
  })

  test.each([
    ['makes no picture this time', 'no-image'],
    ["ends for a reason with the name of an object's property", 'constructor'],
    ['answers with a web page', 'malformed'],
    ['is overloaded, with an error in an array', 'error'],
    ['fails with a good status', 'error-inside'],
  ])('%s, the caller may try again', async (_, fault) => {
    expect((await ask(`A cat @fault=${fault}`)).status).toBe(502)
  })

  test('names a wait in its body, the caller gets that wait', async () => {
    expect((await ask('A cat @fault=limited')).headers.get('retry-after')).toBe('34')
  })

  test.each(['moderation', 'output-moderation'])(
    'refuses content (%s), the caller gets a content refusal',
    async (fault) => {
      const { error } = await (await ask(`A cat @fault=${fault}`)).json<{ error: { code: string } }>()
      expect(error.code).toBe('moderation_blocked')
    },
  )
})

test('an unknown model has the abilities of the API', () => {
  expect(geminiProvider.capability?.({ sizes: { kind: 'unknown' } }, 'house-art')).toMatchObject({
    sizes: { kind: 'shaped', scales: [1, 2, 4] },
    moderations: ['auto', 'low'],
    formats: ['png'],
    extras: ['seed'],
    maxInputs: 14,
    maxImages: 1,
    mask: false,
  })
})

test('a known model is limited to its own abilities', () => {
  const sizes = { kind: 'listed', sizes: ['auto', '1024x1024', '1000x1000'] } as const
  const model = { sizes, moderations: ['auto'], extras: [], maxInputs: 3, maxImages: 4, formats: ['png', 'jpeg'] }
  expect(geminiProvider.capability?.(model, 'house-art')).toMatchObject({
    sizes: { kind: 'listed', sizes: ['auto', '1024x1024'] },
    moderations: ['auto'],
    formats: ['png'],
    extras: [],
    maxInputs: 3,
    maxImages: 1,
  })
})
