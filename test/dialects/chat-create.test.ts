import { describe, expect, test } from 'vitest'
import { addressIn, ask, ASKED, complete, openai4, shown } from '../support/chat'
import { KEY, knock, openai } from '../support/gateway'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const PNG = [0x89, 0x50, 0x4e, 0x47]

describe.each([
  ['openai 7', () => openai().chat.completions.create(ASKED)],
  ['openai 4', () => openai4().chat.completions.create(ASKED)],
])('the client of %s', (_, create) => {
  test('reads a completion with the picture as its text', async () => {
    const completion = await create()
    expect(completion).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{32}$/),
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'gpt-image-2',
      choices: [{ index: 0, finish_reason: 'stop', logprobs: null, message: { role: 'assistant', refusal: null } }],
    })
    const bytes = await shown(addressIn(completion.choices[0]?.message.content))
    expect([...bytes.subarray(0, 4)]).toEqual(PNG)
    expect(upstream.calls.map(({ path, fields }) => [path, fields])).toEqual([
      ['/v1/images/generations', { model: 'gpt-image-2', prompt: 'A cat' }],
    ])
  })
})

test('the request of the tutorial of protocols §9.1 gets the answer of the tutorial', async () => {
  const payload =
    '{"model": "gpt-image-1.5", "messages": [{"role": "user", "content": "\\u753b\\u4e00\\u53ea\\u732b"}], "stream": false}'
  const response = await knock('/v1/chat/completions', {
    method: 'POST',
    headers: { Accept: 'application/json', Authorization: `Bearer ${KEY}`, 'Content-Type': 'application/json' },
    body: payload,
  })
  expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, null])
  const { choices } = await response.json<{ choices: { message: { content: string } }[] }>()
  await shown(addressIn(choices[0]?.message.content))
  expect(upstream.calls[0]?.fields).toEqual({ model: 'gpt-image-1.5', prompt: '画一只猫' })
})

test('several choices are a picture each, made at once', async () => {
  const { choices, usage } = await openai().chat.completions.create({ ...ASKED, n: 3 })
  expect(choices.map(({ index }) => index)).toEqual([0, 1, 2])
  expect(new Set(choices.map(({ message }) => addressIn(message.content))).size).toBe(3)
  expect([upstream.calls.length, upstream.calls[0]?.fields['n']]).toEqual([1, 3])
  expect(usage?.completion_tokens).toBe(3 * 196)
})

test('the tokens of a picture are usage in the form of a chat', async () => {
  const { usage } = await openai().chat.completions.create(ASKED)
  const [text, image] = [usage?.prompt_tokens ?? 0, 196]
  expect(text).toBeGreaterThan(0)
  expect(usage).toEqual({
    prompt_tokens: text,
    completion_tokens: image,
    total_tokens: text + image,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0, text_tokens: text, image_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, text_tokens: 0, image_tokens: image },
  })
})

test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
  ['without other fields', {}, {}],
  [
    'with parameters beside its messages',
    { size: '1536x1024', quality: 'low', background: 'opaque', output_format: 'jpeg', output_compression: 80, n: 2 },
    { size: '1536x1024', quality: 'low', background: 'opaque', output_format: 'jpeg', output_compression: 80, n: 2 },
  ],
  ['with parameters in image_config', { image_config: { quality: 'low', size: 'auto' } }, { quality: 'low' }],
  ['of another user, for a text', { user: 'user-7', max_tokens: 100, temperature: 0.5, modalities: ['text'] }, {}],
])('a question %s equals that of the images API', async (_, chat, images) => {
  const made = await openai().images.generate({ model: 'gpt-image-2', prompt: 'A cat', ...images, stream: false })
  const response = await ask(chat)
  expect([response.status, response.headers.get('x-cache')]).toEqual([200, 'HIT'])
  expect(upstream.calls).toHaveLength(1)
  const [again] =
    (await openai().images.generate({ model: 'gpt-image-2', prompt: 'A cat', ...images, stream: false })).data ?? []
  expect(again?.b64_json).toBe(made.data?.[0]?.b64_json)
})

test("the system's text comes before the user's", async () => {
  await complete([
    { role: 'system', content: 'Draw in ink. Answer as ![image](https://example.com/a.png).' },
    { role: 'developer', content: [{ type: 'text', text: 'No colours.' }] },
    {
      role: 'user',
      content: [
        { type: 'text', text: ' A cat ' },
        { type: 'text', text: 'on a mat' },
      ],
    },
  ])
  expect(upstream.calls[0]?.fields['prompt']).toBe(
    'Draw in ink. Answer as ![image](https://example.com/a.png).\n\nNo colours.\n\nA cat\n\non a mat',
  )
})

test('the user of a request is sent upstream', async () => {
  await openai().chat.completions.create({ ...ASKED, user: 'user-7' })
  expect(upstream.calls[0]?.fields['user']).toBe('user-7')
})

test.each(['openai/gpt-image-2', 'gpt-image-2', 'house-style'])('the model %s is found and named so', async (model) => {
  const completion = await openai().chat.completions.create({ ...ASKED, model })
  expect(completion.model).toBe(model)
  expect(upstream.calls[0]?.fields['model']).toBe('gpt-image-2')
})

test('a retired model is replaced, with any vendor', async () => {
  const response = await ask({ model: 'openai/dall-e-3' })
  expect([response.status, response.headers.get('x-adjusted')]).toEqual([
    200,
    'model=openai/dall-e-3>gpt-image-2.5-sunburst',
  ])
})

test('a request for base64 gets the picture itself in Markdown', async () => {
  const { choices } = await complete(ASKED.messages, { response_format: 'b64_json' })
  const [, base64 = ''] = addressIn(choices[0]?.message.content).split('data:image/png;base64,')
  const linked = await complete(ASKED.messages, { response_format: 'url' })
  expect(Uint8Array.fromBase64(base64)).toEqual(await shown(addressIn(linked.choices[0]?.message.content)))
})

test('a job has the completion as its result', async () => {
  const accepted = await ask({}, { prefer: 'respond-async' })
  expect(accepted.status).toBe(202)
  const { id } = await accepted.json<{ id: string }>()
  await ask()
  const told = await knock(`/v1/generations/${id}`, { headers: { authorization: `Bearer ${KEY}` } })
  const { result } = await told.json<{ result: { object: string; choices: { message: { content: string } }[] } }>()
  expect(result.object).toBe('chat.completion')
  await shown(addressIn(result.choices[0]?.message.content))
})
