import { describe, expect, test } from 'vitest'
import { json, refusal, textAnswer } from '../support/fake-text'
import { errorOf } from '../support/gateway'
import { chat, HELLO, texts } from '../support/texts'

const { first } = texts()

/** The model that `first` alone serves. */
const BRIEF = { ...HELLO, model: 'brief' }

const FLAGGED = { error: { code: 403, message: 'Your input was flagged.', metadata: { reasons: ['violence'] } } }

const REFUSALS: [string, () => Response, number][] = [
  ['a parameter that its model rejects', () => refusal(403, 'You are not allowed to request logprobs.'), 400],
  ['an object of another team', () => refusal(404, "Conversation with id 'conv_1' not found."), 400],
  ['a missing file', () => refusal(404, 'No such File object: file-1', 'not_found'), 400],
  ["its content, in OpenRouter's form", () => json(FLAGGED, 403), 400],
  ['its type', () => refusal(415, 'Unsupported media type.'), 400],
  ['its length', () => refusal(431, 'Too long.'), 400],
  [
    'its content, by a page of a proxy in front of the API',
    () => textAnswer('<html>Blocked</html>', 'text/html', 403),
    502,
  ],
]

describe.each(REFUSALS)('a request that is refused for %s', (_, refuse, status) => {
  test('leaves the account ready, and others are served by it', async () => {
    first.next(refuse, refuse)
    expect((await chat(BRIEF)).status).toBe(status)
    first.reset()
    expect((await chat(BRIEF)).status).toBe(200)
  })
})

const OUT_OF_REACH: [string, () => Response][] = [
  ['a token limited to some models', () => refusal(403, '该令牌无权访问模型 gpt-5.2 (request id: 2026)')],
  ['an organisation that is not verified', () => refusal(403, 'Your organization must be verified to use the model.')],
  ['a key without access', () => refusal(403, 'You are not allowed to sample from this model')],
  [
    'a key with restricted permissions',
    () => refusal(403, 'You have insufficient permissions for this operation. Missing scopes: model.request.'),
  ],
  ['an unknown path', () => textAnswer('', 'text/plain', 405)],
]

test.each(OUT_OF_REACH)('a model unavailable for %s leaves the account to the others', async (_, refuse) => {
  first.next(refuse)
  expect(await errorOf(await chat(BRIEF))).toMatchObject({ status: 503 })
  expect(await errorOf(await chat(BRIEF))).toMatchObject({ status: 503 })
  expect(first.calls).toHaveLength(1)
  expect((await chat(HELLO)).headers.get('x-upstream')).toBe('first')
})

test('an invented model is the fault of its request, each time', async () => {
  const error = { message: "The model 'brief' does not exist.", param: 'model', code: null }
  for (let times = 0; times < 2; times++) {
    first.next(() => json({ error }, 400))
    expect(await errorOf(await chat(BRIEF))).toMatchObject({ status: 400, param: 'model' })
  }
  expect((await chat(BRIEF)).headers.get('x-upstream')).toBe('first')
})

test.each([
  'Your account is not a member of this organization.',
  'The role of this key does not allow this.',
  'Your project was archived.',
  'Add a way to pay to your billing account.',
])('a message about the account disables it: %s', async (words) => {
  first.next(() => refusal(403, words))
  expect(await errorOf(await chat(BRIEF))).toMatchObject({ status: 503, message: expect.not.stringContaining(words) })
  expect((await chat(HELLO)).headers.get('x-upstream')).not.toBe('first')
})

test.each([302, 307, 421, 423, 425, 426, 499])(
  'a status without a message about the account passes: %i',
  async (status) => {
    first.next(() => textAnswer('', 'text/plain', status))
    expect((await chat(BRIEF)).headers.get('x-upstream')).toBe('first')
    expect(first.calls).toHaveLength(2)
  },
)
