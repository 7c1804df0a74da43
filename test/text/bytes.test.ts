import { expect, test } from 'vitest'
import { textAnswer } from '../support/fake-text'
import { openai, post } from '../support/gateway'
import { SteppedText } from '../support/stepped-text'
import { chat, HELLO, texts } from '../support/texts'

const { first } = texts()

const ODD = [
  ['as a client writes it', '{"model":"gpt-5.2","messages":[{"role":"user","content":"Hi"}]}'],
  ['with odd white space', ' {\n\t"messages" : [ ] ,\r\n "model"\t: "gpt-5.2" }\n \n'],
  ['with escapes', '{"model":"gpt-5\\u002e2","messages":["\\u00e9\\ud83d\\ude00 \\/ é😀"],"\\u0061":1}'],
  ['with numbers that no parser keeps', '{"temperature":1.0e0,"seed":12345678901234567890,"model":"gpt-5.2"}'],
  ['with unknown fields', '{"model":"gpt-5.2","tomorrow":{"model":"x","x":[null,{"model":3}]},"":""}'],
]

test.each(ODD)('a request %s reaches its upstream byte for byte', async (_, body) => {
  const response = await post('/v1/chat/completions', body)
  expect([response.status, first.calls.map((call) => call.body)]).toEqual([200, [body]])
})

test("a request has the upstream's key and the client's description, and no other header", async () => {
  await chat(HELLO, undefined, { accept: 'text/event-stream', cookie: 'a=b', 'openai-organization': 'org-client' })
  expect(Object.fromEntries(first.calls[0]?.headers ?? [])).toEqual({
    authorization: 'Bearer sk-first-secret',
    'content-type': 'application/json',
    accept: 'text/event-stream',
    'darkroom-hops': expect.stringMatching(/^[0-9a-f]{16}$/),
  })
})

const STREAM = [
  ': a comment\r\n\r\ndata:  {"choices":[{"delta":{"content":"\\u00e9"}}]}\r\n\r\n',
  'event: odd\r\nid: 7\r\nretry: 10\r\ndata: {"choices":[],\r\ndata: "x":1}\r\n\r\n',
  'data: no JSON at all\n\ndata: [DONE]\n\n\n',
]

test.each([
  ['JSON', 'application/json', ' {"choices" : [ "\\u00e9" ],\r\n"seed":1.0}\n\n'],
  ['text that is not JSON', 'text/plain; charset=utf-16', 'nothing that a gateway knows'],
  ['JSON and something behind it', 'application/json', `{"a":1}${' '.repeat(300_000)}{"b":2}`],
  ['a stream', 'text/event-stream; charset=utf-8', STREAM.join('')],
  ['a stream that ends in the middle of an event', 'text/event-stream', `${STREAM.join('')}data: {"choi`],
])('an answer that is %s reaches its client byte for byte', async (_, type, body) => {
  first.next(() => textAnswer(body, type))
  const response = await chat()
  expect([response.headers.get('content-type'), await response.text()]).toEqual([type, body])
})

test('an answer has the status of its upstream and of its headers the type alone', async () => {
  first.next(() => textAnswer('{}', 'application/json', 202))
  const response = await chat()
  expect([response.status, Object.fromEntries(response.headers)]).toEqual([
    202,
    {
      'content-type': 'application/json',
      'content-encoding': 'identity',
      'cache-control': 'no-store, no-transform',
      'server-timing': expect.stringMatching(/^begun;dur=\d+$/),
      'x-accel-buffering': 'no',
      'x-model': 'gpt-5.2',
      'x-request-id': expect.stringMatching(/^req_[0-9a-f]{32}$/),
      'x-upstream': 'first',
    },
  ])
})

test('a stream arrives piece by piece, as its upstream sends it', async () => {
  const stepped = new SteppedText(STREAM, 1)
  first.next(stepped.answer)
  const reader = (await chat({ ...HELLO, stream: true })).body?.getReader()
  const seen: string[] = []
  for (let { value } = (await reader?.read()) ?? {}; value; { value } = (await reader?.read()) ?? {}) {
    seen.push(new TextDecoder().decode(value))
    stepped.step()
  }
  expect(seen).toEqual(STREAM)
})

test("OpenAI's own client chats through the gateway", async () => {
  first.next(() => textAnswer(STREAM[0] + 'data: [DONE]\n\n', 'text/event-stream'))
  const stream = await openai().chat.completions.create({ ...HELLO, messages: [], stream: true })
  const chunks: string[] = []
  for await (const { choices } of stream) chunks.push(choices[0]?.delta.content ?? '')
  expect(chunks).toEqual(['é'])
})

test("OpenAI's own client gets a response through the gateway", async () => {
  const { usage } = await openai().responses.create({ model: 'gpt-5.2', input: 'Hello' })
  expect([usage?.total_tokens, first.calls[0]?.path]).toEqual([12, '/v1/responses'])
})
