import { OpenAI } from 'openai'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { errorOf } from '../support/requests.ts'
import { type Gateway, startGateway } from '../support/gateway.ts'
import { Operator } from '../support/operator.ts'
import { COMPLETION, REFUSED, STREAM, type TextUpstream, startTextUpstream } from './support/text-upstream.ts'

let upstream: TextUpstream
let gateway: Gateway

beforeAll(async () => {
  upstream = await startTextUpstream()
  const account = { provider: 'openai', secret: 'TALKER_KEY', base_url: `${upstream.origin}/v1` }
  const talker = { ...account, name: 'talker', models: ['gpt-5*', 'house-talker=gpt-5.2'] }
  const variables = { UPSTREAMS: JSON.stringify([talker]), TALKER_KEY: 'sk-talker', ALLOW_PRIVATE_URLS: 'true' }
  gateway = await startGateway(variables)
})
afterAll(async () => {
  await gateway?.stop()
  await upstream?.stop()
})
beforeEach(() => {
  upstream.calls.length = 0
})

/** A client, its requests and their answers. */
function overheard(apiKey = gateway.key): { client: OpenAI; sent: string[]; answers: Promise<string>[] } {
  const [sent, answers]: [string[], Promise<string>[]] = [[], []]
  const listening: typeof fetch = async (input, init) => {
    sent.push(await new Request(input, init).text())
    const response = await fetch(input, init)
    answers.push(response.clone().text())
    return response
  }
  return { client: gateway.sdk({ apiKey, fetch: listening }), sent, answers }
}

const ASKED = { model: 'gpt-5.2', messages: [{ role: 'user' as const, content: 'Say café 😀' }] }

test('openai 7 chats with a text model, byte for byte in both directions', async () => {
  const { client, sent, answers } = overheard()
  const { choices, usage } = await client.chat.completions.create(ASKED)
  expect([choices[0]?.message.content, usage?.total_tokens]).toEqual(['café', 5])
  expect(await Promise.all(answers)).toEqual([COMPLETION])
  expect(upstream.calls).toEqual([{ path: '/v1/chat/completions', authorization: 'Bearer sk-talker', body: sent[0] }])
})

test('openai 7 reads the stream of a text model while its upstream still talks, byte for byte', async () => {
  const { client, sent, answers } = overheard()
  let said = ''
  for await (const { choices } of await client.chat.completions.create({ ...ASKED, stream: true })) {
    said += choices[0]?.delta.content ?? ''
    upstream.goOn()
  }
  expect(said).toBe('café au lait')
  expect(await Promise.all(answers)).toEqual([STREAM.join('')])
  expect(upstream.calls.map(({ body }) => body)).toEqual(sent)
})

test('only its name is exchanged of a model that its upstream calls otherwise', async () => {
  const { client, sent } = overheard()
  await client.chat.completions.create({ ...ASKED, model: 'house-talker' })
  expect(upstream.calls.map(({ body }) => body)).toEqual([sent[0]?.replace('house-talker', 'gpt-5.2')])
})

test("openai 7 raises its own BadRequestError with the message of a text model's refusal", async () => {
  const { client } = overheard()
  const messages = [{ role: 'user' as const, content: 'refuse me' }]
  const error = await errorOf(client.chat.completions.create({ ...ASKED, messages }))
  expect(error).toBeInstanceOf(OpenAI.BadRequestError)
  expect(error).toMatchObject({ status: 400, message: expect.stringContaining(REFUSED), code: 'invalid_value' })
  expect(upstream.calls).toMatchObject([{ path: '/v1/chat/completions' }])
})

test('openai 7 raises its own RateLimitError where a limit is reached, and no text is made', async () => {
  const operator = new Operator(gateway)
  const { client } = overheard(await operator.team('talkers', { requests_per_day: 1 }))
  await client.chat.completions.create(ASKED)
  const error = await errorOf(client.chat.completions.create(ASKED))
  expect(error).toBeInstanceOf(OpenAI.RateLimitError)
  expect(error).toMatchObject({ status: 429, code: 'rate_limit_exceeded' })
  expect(upstream.calls).toHaveLength(1)
})
