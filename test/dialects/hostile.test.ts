import { describe, expect, test } from 'vitest'
import { post } from '../support/gateway'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const MODEL = 'gpt-image-2'
const CAT = { role: 'user', content: 'A cat' }

type Post = (more: object) => Promise<Response>

/** An object that is sent with two fields `a`. */
const TWICE = { twice: true }

const send = (path: string, body: object): Promise<Response> =>
  post(path, JSON.stringify(body).replace(JSON.stringify(TWICE), '{"a":1,"a":2}'))

/** A route of each family of wire formats, with a valid request to which a test adds something. */
const ROUTES: Record<string, Post> = {
  'OpenAI Images': (more) => send('/v1/images/generations', { model: MODEL, prompt: 'A cat', ...more }),
  'OpenRouter images': (more) => send('/api/v1/images', { model: MODEL, prompt: 'A cat', ...more }),
  chat: (more) => send('/v1/chat/completions', { model: MODEL, messages: [CAT], ...more }),
  "OpenRouter's chat": (more) => send('/api/v1/chat/completions', { model: MODEL, messages: [CAT], ...more }),
  Responses: (more) => send('/v1/responses', { model: MODEL, input: 'A cat', ...more }),
  Gemini: (more) =>
    send(`/v1beta/models/${MODEL}:generateContent`, { contents: [{ parts: [{ text: 'A cat' }] }], ...more }),
}

const ofEach = (value: string[]): [string, string][] =>
  Object.keys(ROUTES).flatMap((route) => value.map((each): [string, string] => [route, each]))

const refusalOf = async (route: string, more: object): Promise<[number, string]> => {
  const response = await ROUTES[route]?.(more)
  return [response?.status ?? 0, (await response?.text()) ?? '']
}

test.each(ofEach(['constructor', 'toString', 'hasOwnProperty', '__proto__']))(
  'a parameter of %s with the name %s is refused by that name',
  async (route, name) => {
    const [status, text] = await refusalOf(route, JSON.parse(`{"${name}": {"n": 2}}`))
    expect([status, text]).toEqual([400, expect.stringContaining(`Unknown parameter: '${name}'.`)])
    expect(text).toMatch(new RegExp(`"(?:param|field)":"${name}"`))
    expect(upstream.calls).toHaveLength(0)
  },
)

describe.each(Object.keys(ROUTES))('%s', (route) => {
  test('a text that is too long is refused as such, not as malformed JSON', async () => {
    const [status, text] = await refusalOf(route, { metadata: { a: 'a'.repeat(2_000_000) } })
    expect([status, text]).toEqual([route === 'Gemini' ? 400 : 413, expect.stringContaining('Send less text.')])
  })

  test('endlessly nested JSON is refused', async () => {
    const deep = JSON.parse('['.repeat(5000) + ']'.repeat(5000))
    const [status, text] = await refusalOf(route, { metadata: deep })
    expect([status, text]).toEqual([400, expect.stringContaining('could not parse the JSON body')])
  })
})

test.each(Object.keys(ROUTES))('two fields of one name are refused in %s', async (route) => {
  const [status, text] = await refusalOf(route, { metadata: TWICE })
  expect([status, text]).toEqual([400, expect.stringContaining("'metadata.a' twice")])
})

test.each(Object.keys(ROUTES).filter((route) => route !== 'Gemini'))(
  'the name of a model in %s is at most as long as a header',
  async (route) => {
    const [status, text] = await refusalOf(route, { model: `${'x'.repeat(300)}/dall-e-3` })
    expect([status, text]).toEqual([400, expect.stringMatching(/does not exist|string too long/)])
    expect(upstream.calls).toHaveLength(0)
  },
)

describe('a system message alone after a picture makes no picture', () => {
  const png = Uint8Array.fromBase64(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  )
  const data = png.toBase64()

  test.each<[string, object]>([
    [
      'Gemini',
      {
        systemInstruction: { parts: [{ text: 'Paint in oil.' }] },
        contents: [{ role: 'model', parts: [{ inlineData: { mimeType: 'image/png', data } }] }],
      },
    ],
    [
      'Responses',
      { instructions: 'Paint in oil.', input: [{ type: 'image_generation_call', id: 'ig_1', result: data }] },
    ],
    [
      'chat',
      {
        messages: [
          { role: 'system', content: 'Paint in oil.' },
          { role: 'assistant', content: `![](data:image/png;base64,${data})` },
        ],
      },
    ],
  ])('%s', async (route, said) => {
    expect((await refusalOf(route, said))[0]).toBe(400)
    expect(upstream.calls).toHaveLength(0)
  })
})
