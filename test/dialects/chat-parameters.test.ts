import { describe, expect, test } from 'vitest'
import { ask, ASKED, dataUrl, part } from '../support/chat'
import { errorOf } from '../support/gateway'
import { picture } from '../support/pictures'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const TOOLS = [{ type: 'function', function: { name: 'draw' } }]

describe('a parameter without effect on a picture', () => {
  test.each<[Record<string, unknown>, string | null]>([
    [{ temperature: 0.2 }, 'temperature'],
    [{ top_p: 0.9, seed: 7, stop: ['\n'] }, 'top_p, seed, stop'],
    [{ max_tokens: 4096, max_completion_tokens: 4096 }, 'max_tokens, max_completion_tokens'],
    [
      { presence_penalty: 0.1, frequency_penalty: 0.2, logit_bias: { '50256': -100 } },
      'presence_penalty, frequency_penalty, logit_bias',
    ],
    [{ tools: TOOLS, tool_choice: 'auto', parallel_tool_calls: true }, 'tools'],
    [{ functions: [{ name: 'draw' }], function_call: { name: 'draw' } }, 'functions, function_call'],
    [{ moderation: { model: 'omni-moderation-latest' } }, 'moderation'],
    [
      { store: true, service_tier: 'flex', logprobs: true, top_logprobs: 3 },
      'store, service_tier, logprobs, top_logprobs',
    ],
    [
      { reasoning: { effort: 'high' }, reasoning_effort: 'low', verbosity: 'high' },
      'reasoning, reasoning_effort, verbosity',
    ],
    [{ provider: { order: ['openai'] }, models: ['openai/gpt-image-1'] }, 'provider, models'],
  ])('is ignored with a note: %j', async (given, adjusted) => {
    const response = await ask(given)
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, adjusted])
    expect(upstream.calls[0]?.fields).toEqual({ model: 'gpt-image-2', prompt: 'A cat' })
  })

  test.each<[Record<string, unknown>]>([
    [{ temperature: 1, top_p: 1, presence_penalty: 0, frequency_penalty: 0, n: 1, stream: false, stop: null }],
    [{ tools: [], tool_choice: 'none', functions: null, response_format: { type: 'text' }, reasoning_effort: 'none' }],
    [
      {
        store: false,
        metadata: { a: 'b' },
        service_tier: 'auto',
        logprobs: false,
        logit_bias: {},
        prompt_cache_key: 'a',
      },
    ],
    [
      {
        session_id: 'a',
        transforms: [],
        usage: { include: true },
        trace: {},
        provider: {},
        parallel_tool_calls: false,
      },
    ],
    [{ size: null, quality: null, image_config: null, modalities: null, stream_options: null, user: '' }],
  ])('is ignored silently at its default: %j', async (given) => {
    const response = await ask(given)
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, null])
  })

  test.each([
    ['tools', { tools: TOOLS }],
    ['temperature', { temperature: 0.2 }],
  ])('is refused in a strict request: %s', async (param, given) => {
    expect(await errorOf(await ask(given, { 'x-strict': 'true' }))).toMatchObject({
      status: 400,
      param,
      message: `'${param}' has no effect on an image. Leave it out.`,
    })
    expect(upstream.calls).toHaveLength(0)
  })
})

describe('the parameters of a picture', () => {
  test.each<[Record<string, unknown>, Record<string, unknown>]>([
    [
      { size: '1536x1024', quality: 'hd' },
      { size: '1536x1024', quality: 'high' },
    ],
    [
      { background: 'opaque', output_format: 'webp', output_compression: 50, moderation: 'low' },
      { background: 'opaque', output_format: 'webp', output_compression: 50, moderation: 'low' },
    ],
    [{ image_config: { quality: 'low', output_format: 'jpeg' } }, { quality: 'low', output_format: 'jpeg' }],
    [{ image_config: { aspect_ratio: '1:1', image_size: '2k' } }, { size: '2048x2048' }],
    [{ aspect_ratio: '1:1', image_size: '1K' }, { size: '1024x1024' }],
    [{ image_config: { aspect_ratio: 'auto' } }, {}],
  ])('may be given by %j', async (given, sent) => {
    expect((await ask(given)).status).toBe(200)
    expect(upstream.calls[0]?.fields).toEqual({ model: 'gpt-image-2', prompt: 'A cat', ...sent })
  })
})

const SUPPORTED = "Supported values are: 'low', 'medium', 'high', and 'auto'."

test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
  ['no model', { model: undefined }, { param: 'model', code: 'missing_required_parameter' }],
  ['no messages', { messages: undefined }, { param: 'messages', code: 'missing_required_parameter' }],
  ['an empty conversation', { messages: [] }, { param: 'messages', code: 'empty_array' }],
  ['an empty message', { messages: [{ role: 'user', content: ' \n' }] }, { param: 'messages' }],
  ['an empty last message', { messages: [...ASKED.messages, { role: 'user', content: [] }] }, { param: 'messages' }],
  ['no user message', { messages: [{ role: 'system', content: 'Draw' }] }, { param: 'messages' }],
  [
    'a picture as the last word of the conversation',
    { messages: [...ASKED.messages, { role: 'assistant', content: '![a](https://a.example/a)' }] },
    { param: 'messages' },
  ],
  ['an unknown role', { messages: [{ role: 'poet', content: 'x' }] }, { param: 'messages[0].role' }],
  [
    'a message that is a number',
    { messages: [{ role: 'user', content: 7 }] },
    { param: 'messages[0].content', code: 'invalid_type' },
  ],
  [
    'a part that is a sound',
    { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'a' } }] }] },
    {
      param: 'messages[0].content[0].type',
      message: "Invalid value: 'input_audio'. Supported values are: 'text', 'image_url', and 'refusal'.",
    },
  ],
  [
    'a part without its text',
    { messages: [{ role: 'user', content: [{ type: 'text' }] }] },
    { param: 'messages[0].content[0].text' },
  ],
  [
    'a part without its picture',
    { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] },
    { param: 'messages[0].content[0].image_url', code: 'missing_required_parameter' },
  ],
  [
    'a text that is too long',
    { messages: [{ role: 'user', content: 'x'.repeat(32_001) }] },
    { param: 'messages', code: 'string_above_max_length' },
  ],
  [
    'texts that are too long for any body',
    { messages: [{ role: 'user', content: 'x'.repeat(2_000_000) }] },
    { param: 'messages', code: 'string_above_max_length' },
  ],
  ['an unknown parameter', { sizee: '1024x1024' }, { param: 'sizee', message: "Unknown parameter: 'sizee'." }],
  [
    'an unknown field of image_config',
    { image_config: { strength: 1 } },
    { param: 'image_config.strength', code: 'unknown_parameter' },
  ],
  [
    'a quality that the model lacks',
    { quality: 'ultra' },
    { param: 'quality', message: `Invalid value: 'ultra'. ${SUPPORTED}` },
  ],
  [
    'a transparent jpeg',
    { model: 'gpt-image-1.5', image_config: { background: 'transparent', output_format: 'jpeg' } },
    {
      param: 'image_config.background',
      message: 'A jpeg cannot be transparent. Set image_config.output_format to png or webp.',
    },
  ],
  [
    'a transparent jpeg by the other parameters',
    { model: 'gpt-image-1.5', background: 'transparent', output_format: 'jpeg' },
    { param: 'background', message: 'A jpeg cannot be transparent. Set output_format to png or webp.' },
  ],
  ['the same in image_config', { image_config: { quality: 'ultra' } }, { param: 'image_config.quality' }],
  [
    'an unknown resolution',
    { image_config: { image_size: '8K' } },
    { param: 'image_config.image_size', code: 'invalid_value' },
  ],
  [
    'a malformed ratio',
    { aspect_ratio: 'wide' },
    { param: 'aspect_ratio', message: expect.stringContaining("'16:9'") },
  ],
  ['a ratio that cannot be made', { aspect_ratio: '1:99' }, { param: 'aspect_ratio' }],
  ['a malformed size', { size: 'large' }, { param: 'size', message: expect.stringContaining("'large'") }],
  ['a size in two parameters', { size: '1024x1024', aspect_ratio: '1:1' }, { param: 'size' }],
  ['a quality in two parameters', { quality: 'low', image_config: { quality: 'low' } }, { param: 'quality' }],
  [
    'an answer in JSON',
    { response_format: { type: 'json_schema', json_schema: {} } },
    {
      param: 'response_format',
      message: "Invalid value: 'json_schema'. Supported values are: 'text', 'url', and 'b64_json'.",
    },
  ],
  ['an answer in sound', { modalities: ['text', 'audio'] }, { param: 'modalities[1]', code: 'invalid_value' }],
  ['too many choices', { n: 11 }, { param: 'n', code: 'integer_above_max_value' }],
])('%s is refused by name', async (_, given, error) => {
  expect(await errorOf(await ask(given))).toMatchObject({ status: 400, ...error })
  expect(upstream.calls).toHaveLength(0)
})

describe('pictures', () => {
  const shown = async (count: number): Promise<unknown[]> =>
    await Promise.all(Array.from({ length: count }, async (_, at) => part(dataUrl(await picture(`${at}`)))))

  test('of a system message are refused', async () => {
    const messages = [{ role: 'system', content: await shown(1) }, ...ASKED.messages]
    expect(await errorOf(await ask({ messages }))).toMatchObject({ status: 400, param: 'messages[0].content' })
  })

  test('beyond the limit of an edit are refused', async () => {
    const ask17 = async (): Promise<Response> => await ask({ messages: [{ role: 'user', content: await shown(17) }] })
    expect(await errorOf(await ask17())).toMatchObject({
      status: 400,
      param: 'messages',
      code: 'array_above_max_length',
    })
  })

  test('beyond the limit of a conversation are refused', async () => {
    const messages = [
      { role: 'user', content: await shown(51) },
      { role: 'assistant', content: await shown(1) },
      ...ASKED.messages,
    ]
    expect(await errorOf(await ask({ messages }))).toMatchObject({
      status: 400,
      param: 'messages',
      code: 'array_above_max_length',
    })
  })
})
