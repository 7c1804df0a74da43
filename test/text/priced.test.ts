import { describe, expect, test } from 'vitest'
import { errorOf, KEY, post } from '../support/gateway'
import { team } from '../support/teams'
import { texts } from '../support/texts'

const { first } = texts()

const chat = { model: 'gpt-5.2', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 10 }
const response = { model: 'gpt-5.2', input: 'Hello', max_output_tokens: 10 }

const send = (key: string, path: string, body: object | string): Promise<Response> =>
  post(path, body, { authorization: `Bearer ${key}` })

const [CHAT, RESPONSES] = ['/v1/chat/completions', '/v1/responses']
const audio = [{ type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }]

const REFUSED: [param: string, path: string, fields: object][] = [
  ['service_tier', CHAT, { service_tier: 'priority' }],
  ['service_tier', RESPONSES, { service_tier: 'flex' }],
  ['web_search_options', CHAT, { web_search_options: {} }],
  ['Web_Search_Options', CHAT, { Web_Search_Options: {} }],
  ['modalities', CHAT, { modalities: ['text', 'image'] }],
  ['audio', CHAT, { audio: { voice: 'alloy' } }],
  ['messages[0]', CHAT, { messages: [{ role: 'user', content: audio }] }],
  ['messages[0]', CHAT, { messages: [{ role: 'user', content: [{ Type: 'input_audio' }] }] }],
  ['models', CHAT, { models: ['gpt-5.2-pro'] }],
  ['n', CHAT, { n: 1000 }],
  ['max_tokens', CHAT, { max_tokens: '100000' }],
  ['plugins', CHAT, { plugins: [{ id: 'web' }] }],
  ['background', RESPONSES, { background: true }],
  ['prompt', RESPONSES, { prompt: { id: 'pmpt_1' } }],
  ['conversation', RESPONSES, { conversation: 'conv_1' }],
  ['Tools', RESPONSES, { Tools: [{ type: 'image_generation' }] }],
  ['tools[0]', RESPONSES, { tools: [{ Type: 'image_generation' }] }],
  ['tools[0]', RESPONSES, { tools: [{ type: 'function', Type: 'image_generation', name: 'x' }] }],
  ...['web_search', 'code_interpreter', 'file_search', 'computer_use_preview', 'mcp'].map(
    (type): [string, string, object] => [
      'tools[1]',
      RESPONSES,
      { tools: [{ type: 'function', name: 'x', parameters: {} }, { type }] },
    ],
  ),
]

describe.each([
  ['a budget', { budget_usd: 10 }],
  ['no images of the day', { images_per_day: 0 }],
])('a key with %s', (_, limits) => {
  test('may send no parameter with another price than that of tokens', async () => {
    const { key } = await team('acme', limits)
    for (const [param, path, fields] of REFUSED) {
      const refused = await errorOf(await send(key, path, { ...(path === CHAT ? chat : response), ...fields }))
      expect([param, refused]).toEqual([param, expect.objectContaining({ status: 400, param })])
    }
    expect(first.calls).toEqual([])
  })

  test('may send the parameters that tokens pay for', async () => {
    const { key } = await team('acme', limits)
    const tools = [{ type: 'function', function: { name: 'x', parameters: { Type: 'object' } } }]
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'https://pictures.example.com/a.png' } },
    ]
    const fields = { tools, n: 2, service_tier: 'auto', modalities: ['text'], temperature: 0, background: false }
    const asked = { ...chat, messages: [{ role: 'user', content }], ...fields, web_search_options: null }
    expect((await send(key, CHAT, asked)).status).toBe(200)
    expect((await send(key, RESPONSES, { ...response, reasoning: { effort: 'low' }, include: [] })).status).toBe(200)
  })
})

test('a key without such limits may send them all', async () => {
  for (const [, path, fields] of REFUSED) {
    if ('Tools' in fields || 'background' in fields) continue
    const answer = await send(KEY, path, { ...(path === CHAT ? chat : response), ...fields })
    expect([fields, answer.status]).toEqual([fields, 200])
    await answer.text()
  }
})

describe.each([CHAT, RESPONSES])('%s', (path) => {
  test.each(['model', 'tools', 'n'])('refuses a second field %s', async (name) => {
    const body = JSON.stringify({ ...(path === CHAT ? chat : response), n: 1, tools: [], [name]: 'gpt-5.2' })
    const refused = await errorOf(await send(KEY, path, body.replace('{', `{"${name}":1,`)))
    expect(refused).toMatchObject({ status: 400, param: name, message: expect.stringContaining('twice') })
    expect(first.calls).toEqual([])
  })
})

test('no key has a background response, which it could not ask for again', async () => {
  const { key } = await team('acme')
  const refused = await errorOf(await send(key, RESPONSES, { ...response, background: true }))
  expect(refused).toMatchObject({ status: 400, param: 'background', message: expect.stringContaining('text models') })
  expect(first.calls).toEqual([])
})
