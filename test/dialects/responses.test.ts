import { OpenAI } from 'openai'
import { OpenAI as OpenAI4 } from 'openai-4'
import { exports } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { errorOf, KEY, knock, openai, ORIGIN, post } from '../support/gateway'
import { asking, callIn, pictureIn, postResponse, respond } from '../support/responses'
import { CAT, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

describe('a response', () => {
  test('is one picture, in all the fields that the SDK reads', async () => {
    const answer = await respond({ instructions: 'Draw in ink.', metadata: { order: '7' }, store: false })
    const {
      id,
      created_at,
      completed_at,
      usage,
      output: [, message],
      ...rest
    } = answer
    expect(rest).toEqual({
      object: 'response',
      status: 'completed',
      access_programs: null,
      background: false,
      error: null,
      incomplete_details: null,
      instructions: 'Draw in ink.',
      max_output_tokens: null,
      max_tool_calls: null,
      metadata: { order: '7' },
      model: 'gpt-5.2',
      output_text: '',
      parallel_tool_calls: true,
      previous_response_id: null,
      prompt_cache_key: null,
      reasoning: { effort: null, summary: null },
      safety_identifier: null,
      service_tier: 'default',
      temperature: 1,
      text: { format: { type: 'text' }, verbosity: 'medium' },
      tool_choice: 'auto',
      tools: [
        {
          type: 'image_generation',
          action: 'auto',
          background: 'auto',
          model: 'gpt-image-2',
          moderation: 'auto',
          output_compression: 100,
          output_format: 'png',
          partial_images: 0,
          quality: 'low',
          size: '1024x1024',
        },
      ],
      top_logprobs: 0,
      top_p: 1,
      truncation: 'disabled',
    })
    expect([id, usage?.output_tokens]).toEqual([expect.stringMatching(/^resp_[\w-]+$/), 196])
    expect(message).toEqual({
      id: expect.stringMatching(/^msg_[\w-]+$/),
      type: 'message',
      status: 'completed',
      role: 'assistant',
      content: [{ type: 'output_text', text: '', annotations: [], logprobs: [] }],
    })
    expect(created_at).toBeLessThanOrEqual(completed_at ?? 0)
    expect(callIn(answer)).toEqual({
      id: expect.stringMatching(/^ig_[\w-]+$/),
      type: 'image_generation_call',
      status: 'completed',
      action: 'generate',
      result: expect.stringMatching(/^iVBORw0KGgo/),
      background: 'opaque',
      output_format: 'png',
      quality: 'low',
      size: '1024x1024',
    })
    expect(upstream.calls[0]).toMatchObject({
      path: '/v1/images/generations',
      fields: { model: 'gpt-image-2', prompt: 'Draw in ink.\n\nA cat' },
    })
  })

  test("has the image model's tokens as its usage", async () => {
    const { usage } = await respond()
    const [call] = upstream.calls
    expect(usage).toEqual({
      input_tokens: call?.tokens.input,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: 196,
      output_tokens_details: { reasoning_tokens: 0 },
      total_tokens: 196 + (call?.tokens.input ?? 0),
    })
  })

  test.each([
    ['the model of the tool', { model: 'gpt-5.2' }, 'gpt-image-2.5-flare', 'gpt-image-2.5-flare'],
    ['an image model named directly', { model: 'gpt-image-1.5', tools: [] }, undefined, 'gpt-image-1.5'],
    [
      'the default of the tool',
      { tools: [{ type: 'image_generation' as const }] },
      undefined,
      'gpt-image-2.6-sunburst',
    ],
  ])('is made by %s', async (_, said: { model?: string; tools?: { type: 'image_generation' }[] }, model, served) => {
    const answer = await respond(said, model ? { model } : {})
    expect([answer.model, upstream.calls[0]?.fields['model']]).toEqual([said.model ?? 'gpt-5.2', served])
  })

  test('applies each parameter of the tool', async () => {
    const tool = {
      model: 'gpt-image-2.6-sunburst',
      action: 'generate',
      background: 'transparent',
      complexity: 'high',
      moderation: 'low',
      output_compression: 60,
      output_format: 'webp',
      quality: 'max',
      size: '1536x864',
    } as const
    const { action: _, ...sent } = tool
    await respond({ safety_identifier: 'someone' }, tool)
    expect(upstream.calls[0]?.fields).toEqual({ prompt: 'A cat', user: 'someone', ...sent })
  })

  test('is the same with parameters of text models, which are ignored with a note', async () => {
    await respond()
    const said = {
      max_output_tokens: 1000,
      reasoning: { effort: 'low' },
      text: { format: { type: 'text' } },
      tool_choice: { type: 'image_generation' },
      truncation: 'auto',
    } as const
    const response = await postResponse(said)
    const told = 'max_output_tokens, reasoning, truncation'
    expect([response.headers.get('x-adjusted'), upstream.calls.length]).toEqual([told, 1])
    const refused = await errorOf(await postResponse({ temperature: 0.2 }, { 'x-strict': 'true' }))
    expect(refused).toMatchObject({ status: 400, param: 'temperature' })
  })

  test.each([
    [{ image: { context_compression: 'enabled' } }, 'image'],
    [{ image: { context_compression: 'auto' } }, null],
    [{ moderation: { model: 'omni-moderation-latest', policy: { input: { mode: 'score' } } } }, 'moderation'],
    [
      { context_management: [{ type: 'compaction' }], input_transformations: [{}] },
      'context_management, input_transformations',
    ],
    [{ access_programs: { cyber: 'standard' } }, 'access_programs'],
    [{ background_options: { completion_window: 'soonest', continuation_id: 'c' } }, 'background_options'],
    [
      {
        image: null,
        moderation: null,
        context_management: null,
        access_programs: null,
        background: null,
        background_options: null,
        conversation: null,
        input_transformations: null,
      },
      null,
    ],
  ])('takes the keys of the API, and tells those without an effect (%j)', async (said, told) => {
    const response = await postResponse(said)
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, told])
  })

  test('is read whole by openai 4', async () => {
    const client = new OpenAI4({
      apiKey: KEY,
      baseURL: `${ORIGIN}/v1`,
      maxRetries: 0,
      fetch: (input: RequestInfo, init?: RequestInit) => exports.default.fetch(new Request(input, init)),
    })
    const tool = { type: 'image_generation', quality: 'low', size: '1024x1024' } as const
    const answer = await client.responses.create({ model: 'gpt-4.1', input: 'A cat', tools: [tool] })
    expect([answer.output_text, answer.output]).toMatchObject([
      '',
      [{ type: 'image_generation_call' }, { type: 'message' }],
    ])
  })

  test('has an id of its own, though the picture is the same', async () => {
    const [first, second] = [await respond(), await respond()]
    expect(pictureIn(second)).toBe(pictureIn(first))
    expect(new Set([first.id, second.id, callIn(first).id, callIn(second).id]).size).toBe(4)
  })
})

test('uses a picture made by the Images API', async () => {
  const made = await openai().images.generate({
    model: 'gpt-image-2',
    prompt: 'A cat',
    quality: 'low',
    size: '1024x1024',
  })
  const response = await postResponse({})
  expect(response.headers.get('x-cache')).toBe('HIT')
  expect(pictureIn(await response.json())).toBe(made.data?.[0]?.b64_json)
  expect(upstream.calls).toHaveLength(1)
})

test('simultaneous requests of both APIs share one call', async () => {
  const prompt = 'A cat @delay=100'
  const [answer] = await Promise.all([
    respond({ input: prompt }),
    post('/v1/images/generations', { ...CAT, prompt }),
    respond({ input: [{ role: 'user', content: prompt }] }),
  ])
  expect([callIn(answer).status, upstream.calls.length]).toEqual(['completed', 1])
})

test("a team's limit has the error that the SDK knows", async () => {
  const { key } = await team('acme', { requests_per_minute: 1 })
  const { responses } = openai({ apiKey: key })
  await responses.create(asking())
  await expect(responses.create(asking({ input: 'A dog' }))).rejects.toThrow(OpenAI.RateLimitError)
  expect(upstream.calls).toHaveLength(1)
})

test('a background response is polled as its generation', async () => {
  const response = await postResponse({}, { prefer: 'respond-async' })
  expect(response.status).toBe(202)
  const { id } = await response.json<{ id: string }>()
  const told = async (): Promise<{ result: { object: string } | null }> => {
    const shown = await knock(`/v1/generations/${id}`, { headers: { authorization: `Bearer ${KEY}` } })
    return await shown.json()
  }
  await expect.poll(async () => (await told()).result?.object).toBe('response')
})
