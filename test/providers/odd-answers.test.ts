import { afterEach, describe, expect, test, vi } from 'vitest'
import { blackForestLabsProvider } from '../../src/providers/black-forest-labs'
import { grsaiProvider } from '../../src/providers/grsai'
import { ideogramProvider } from '../../src/providers/ideogram'
import { openaiProvider } from '../../src/providers/openai'
import { openrouterProvider } from '../../src/providers/openrouter'
import type { Provider } from '../../src/providers/provider'
import { replicateProvider } from '../../src/providers/replicate'
import { xaiProvider } from '../../src/providers/xai'
import { internet } from '../support/internet'
import { picture } from '../support/pictures'
import { OPENAI } from '../support/openai-account'
import { asking, run, type Told } from '../support/provider-run'

afterEach(() => void vi.restoreAllMocks())

const HOST = 'https://api.example.com'
const FILE = 'https://files.example.com/a.png'
const IMAGE = { type: 'image', picture: '2000 PNG' }

/** The events of answers in sequence; FILE is a picture. */
async function told(provider: Provider, model: string, ...answers: (() => Response)[]): Promise<Told[]> {
  let at = 0
  internet({
    'api.example.com': { handle: () => answers[at++]?.() ?? new Response(null, { status: 500 }) },
    'files.example.com': { handle: async () => new Response(await picture('a file', 2000)) },
  })
  return await run(asking('A cat', { model, n: 2, partials: 0 }), { upstream: { ...OPENAI, provider, baseUrl: HOST } })
}

const json =
  (body: unknown, status = 200) =>
  (): Response =>
    Response.json(body, { status })

/** The same behind a byte order mark. */
const marking = (body: unknown) => (): Response => new Response(`\ufeff${JSON.stringify(body)}`)

describe('a picture is kept although the answer has something odd beside it:', () => {
  test.each<[string, Provider, string, unknown[]]>([
    ['nothing in its list', ideogramProvider, 'ideogram-v3', [{ data: [null, { url: FILE }] }]],
    [
      'nothing in its list',
      xaiProvider,
      'grok-imagine-image',
      [{ data: [null, { url: FILE, respect_moderation: 'yes' }] }],
    ],
    [
      'a list with a gap',
      replicateProvider,
      'acme/painter',
      [{ urls: { get: `${HOST}/job` } }, { status: 'succeeded', output: [null, FILE] }],
    ],
    [
      'an unknown status',
      blackForestLabsProvider,
      'flux-2-pro',
      [
        { id: 'a', polling_url: `${HOST}/job?id=a` },
        { status: 'Warming Up', progress: 'soon' },
        { status: 'Ready', result: { sample: FILE } },
      ],
    ],
  ])('%s (%#)', async (_, provider, model, answers) => {
    const events = await told(provider, model, ...answers.map((answer) => json(answer)))
    const marked = await told(provider, model, ...answers.map((answer) => marking(answer)))
    expect(marked).toEqual(events)
    expect(events.filter((event) => 'picture' in event)).toMatchObject([IMAGE])
    expect(events.at(-1)).toMatchObject({ type: 'summary' })
  })

  test('of several pictures, the refused ones are left out beside an empty entry', async () => {
    const data = [null, { url: FILE, respect_moderation: false }, { url: FILE, respect_moderation: true }]
    const events = await told(xaiProvider, 'grok-imagine-image', json({ data }))
    expect(events.filter((event) => 'picture' in event)).toMatchObject([{ ...IMAGE, index: 0 }])
  })
})

describe("GrsAI's one code is read by its words:", () => {
  test.each([
    ['insufficient credits', { kind: 'misconfigured' }],
    ['apikey error', { kind: 'misconfigured' }],
    ['invalid api key', { kind: 'misconfigured' }],
    ['积分不足', { kind: 'misconfigured' }],
    ['invalid parameter', { kind: 'rejected', facts: { failure: { message: 'invalid parameter' } } }],
    ['参数错误', { kind: 'rejected' }],
    ['please try again', { kind: 'unavailable' }],
  ])('%s', async (msg, failure) => {
    expect(await told(grsaiProvider, 'gpt-image-2', json({ code: -1, data: null, msg }))).toMatchObject([failure])
  })
})

describe('an unavailable model is the fault of neither the request nor the account:', () => {
  const ofModel = [{ kind: 'misconfigured', facts: { scope: 'model' } }]
  test.each([
    [
      400,
      {
        type: 'image_generation_user_error',
        code: 'invalid_value',
        param: 'model',
        message: "The model 'gpt-image-2' does not exist.",
      },
    ],
    [
      400,
      {
        type: 'invalid_request_error',
        code: null,
        param: null,
        message: 'Your organization must be verified to use the model `gpt-image-2`.',
      },
    ],
    [
      503,
      {
        type: 'new_api_error',
        code: 'model_not_found',
        param: '',
        message: 'No available channel for model gpt-image-2',
      },
    ],
  ])('OpenAI, and relays in its form (%i, %o)', async (status, error) => {
    expect(await told(openaiProvider, 'gpt-image-2', json({ error }, status))).toMatchObject(ofModel)
  })

  test('OpenRouter, where its maker forbids it', async () => {
    const error = { code: 403, message: 'Provider returned error', metadata: { provider_name: 'OpenAI' } }
    expect(await told(openrouterProvider, 'gpt-image-2', json({ error }, 403))).toMatchObject(ofModel)
  })
})

test.each([
  { code: 403, message: 'Request blocked: prompt injection patterns detected' },
  { code: 403, message: 'I cannot help with that.', metadata: { error_type: 'refusal' } },
])('a block by OpenRouter or a model there is the fault of the request: %o', async (error) => {
  expect(await told(openrouterProvider, 'gpt-image-2', json({ error }, 403))).toMatchObject([
    { kind: 'rejected', facts: { failure: { code: 'content_rejected' } } },
  ])
})

test.each([
  [
    'The prompt may violate our content policy.',
    { kind: 'rejected', facts: { failure: { code: 'content_rejected' } } },
  ],
  ['Input validation error: width is too large', { kind: 'rejected', facts: { failure: { code: 'invalid_request' } } }],
  ['CUDA out of memory', { kind: 'unavailable' }],
])('a failed prediction of Replicate is read by its words: %s', async (error, failure) => {
  const answers = [json({ urls: { get: `${HOST}/job` } }), json({ status: 'failed', error })]
  expect((await told(replicateProvider, 'acme/painter', ...answers)).at(-1)).toMatchObject(failure)
})
