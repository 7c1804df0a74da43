import { describe, expect, test, vi } from 'vitest'
import { google, google2 } from '../support/google'
import { KEY, knock } from '../support/gateway'
import { hex, sha256 } from '../support/fake-picture'
import { called } from '../support/jobs'
import { picture } from '../support/pictures'
import { team, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const MODEL = 'gpt-image-2'
const CAT = { model: MODEL, input: 'A cat' }

const post = (body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  knock('/v1beta/interactions', {
    method: 'POST',
    headers: { 'x-goog-api-key': KEY, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

const digest = async (bytes: Uint8Array): Promise<string> => hex(await sha256(Uint8Array.from(bytes)))

/** The upstream's last request, in a few words. */
const sent = (): unknown[] =>
  upstream.calls
    .slice(-1)
    .flatMap(({ path, fields, files }) => [path.split('/').at(-1), fields['prompt'], files.map((file) => file.sha256)])

interface Asked {
  model: string
  input: string
  previous_interaction_id?: string
}

/** The common part of both versions of the client. */
const CLIENTS = [
  [
    '3',
    {
      create: (asked: Asked) => google().interactions.create(asked),
      stream: (asked: Asked) => google().interactions.create({ ...asked, stream: true }),
    },
  ],
  [
    '2',
    {
      create: (asked: Asked) => google2().interactions.create(asked),
      stream: (asked: Asked) => google2().interactions.create({ ...asked, stream: true }),
    },
  ],
] as const

describe.each(CLIENTS)('version %s of the SDK of Google', (_, client) => {
  test('gets a picture of an interaction, and edits it by its id', async () => {
    const first = await client.create(CAT)
    expect(first).toMatchObject({
      id: expect.stringMatching(/^int_/),
      status: 'completed',
      model: MODEL,
      created: expect.stringMatching(/^\d{4}-.*Z$/),
      steps: [{ type: 'model_output', content: [{ type: 'image', mime_type: 'image/png' }] }],
      usage: { total_tokens: expect.any(Number), output_tokens_by_modality: [{ modality: 'image' }] },
    })
    const input = 'Give it a hat'
    const second = await client.create({ model: MODEL, input, previous_interaction_id: first.id })
    expect(second.output_image?.data).not.toBe(first.output_image?.data)
    const made = await digest(Uint8Array.fromBase64(first.output_image?.data ?? ''))
    expect([second.previous_interaction_id, ...sent()]).toEqual([first.id, 'edits', input, [made]])
  })

  test('gets the picture of a stream in one piece', async () => {
    const events = []
    for await (const event of await client.stream(CAT)) events.push(event)
    expect(events).toMatchObject([
      { event_type: 'interaction.created', interaction: { status: 'in_progress' } },
      { event_type: 'step.start', index: 0, step: { type: 'model_output' } },
      { event_type: 'step.delta', index: 0, delta: { type: 'image', data: expect.stringMatching(/^iVBOR/) } },
      { event_type: 'step.stop', index: 0 },
      { event_type: 'interaction.completed', interaction: { status: 'completed', model: MODEL } },
    ])
  })
})

describe('an interaction', () => {
  test('of a type that is no text is refused, also for an object with a toString of its own', async () => {
    const response = await post({ model: MODEL, input: { type: { toString: 1 } } })
    expect(response.status).toBe(400)
  })

  test('has its shape, its format and a link where its response format asks for them', async () => {
    const response_format = { type: 'image', aspect_ratio: '16:9', image_size: '2K', mime_type: 'image/jpeg' }
    const made = await google().interactions.create({
      ...CAT,
      response_format: { ...response_format, delivery: 'uri' },
    })
    const { data, mime_type, uri = '' } = made.output_image ?? {}
    expect([data, mime_type, uri]).toEqual([undefined, 'image/jpeg', expect.stringContaining('/images/gen_')])
    expect(upstream.calls).toMatchObject([{ fields: { size: '2048x1152', output_format: 'jpeg' } }])
  })

  test('goes on with the last picture among its steps', async () => {
    const content = async (name: string): Promise<{ type: 'image'; data: string }> => ({
      type: 'image',
      data: (await picture(name)).toBase64(),
    })
    await google().interactions.create({
      model: MODEL,
      system_instruction: 'Paint in oil.',
      input: [
        { type: 'user_input', content: [{ type: 'text', text: 'A dog' }] },
        { type: 'thought', signature: 'c2lnbmVk' },
        { type: 'model_output', content: [await content('made')] },
        { type: 'user_input', content: [{ type: 'text', text: 'With this hat' }, await content('hat')] },
      ],
    })
    const sums = [await digest(await picture('made')), await digest(await picture('hat'))]
    expect(sent()).toEqual(['edits', 'Paint in oil.\n\nWith this hat', sums])
  })

  test('takes a picture beside its text', async () => {
    const data = (await picture('day')).toBase64()
    await google().interactions.create({
      model: MODEL,
      input: [
        { type: 'text', text: 'Night' },
        { type: 'image', data },
      ],
    })
    expect(sent()).toEqual(['edits', 'Night', [await digest(await picture('day'))]])
  })

  test('reports fields without effect', async () => {
    const generation_config = { temperature: 1, thinking_level: 'high' }
    const response = await post({ ...CAT, generation_config, tools: [{ type: 'google_search' }], store: false })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'tools, temperature, thinking_level'])
  })

  test("is refused with Google's words for refused content", async () => {
    const response = await post({ ...CAT, input: 'A cat @fault=moderation' })
    expect([response.status, await response.json()]).toMatchObject([400, { error: { status: 'INVALID_ARGUMENT' } }])
  })

  test.each([
    ['an agent', { ...CAT, agent: 'deep-research' }, 'agent'],
    ['a webhook in its body', { ...CAT, webhook_config: { uris: ['https://a.example.com'] } }, 'webhook_config'],
    ['a background that is not stored', { ...CAT, background: true, store: false }, 'store'],
    ['no input', { model: MODEL }, 'input'],
    ['no text', { model: MODEL, input: [{ type: 'user_input', content: [] }] }, 'input'],
    [
      'a video',
      {
        model: MODEL,
        input: [
          { type: 'text', text: 'A' },
          { type: 'video', uri: 'https://a.b' },
        ],
      },
      /^input/,
    ],
    ['audio as its format', { ...CAT, response_format: { type: 'audio' } }, /^response_format/],
    ['text as its one modality', { ...CAT, response_modalities: ['text'] }, 'response_modalities'],
    ['a seed for a model without one', { ...CAT, generation_config: { seed: 7 } }, 'generation_config.seed'],
    [
      'a ratio that its model lacks',
      { ...CAT, response_format: { type: 'image', aspect_ratio: '8:1' } },
      'response_format',
    ],
  ])("with %s is refused in Google's words", async (_, body, field) => {
    const response = await post(body)
    const violation = { field: expect.stringMatching(field), description: expect.any(String) }
    const details = expect.arrayContaining([expect.objectContaining({ fieldViolations: [violation] })])
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { status: 'INVALID_ARGUMENT', details } },
    ])
    expect(upstream.calls).toHaveLength(0)
  })

  test('after one that is not known is not found', async () => {
    const created = google().interactions.create({ ...CAT, previous_interaction_id: 'int_foreign' })
    await expect(created).rejects.toMatchObject({ status: 404 })
  })
})

describe('a background interaction', () => {
  const { interactions } = google()
  const created = (input: string) => interactions.create({ ...CAT, input, background: true })

  test('is begun at once, and has its picture when it is asked for later', async () => {
    const { id, status, steps } = await created('A bird')
    expect([status, steps]).toEqual(['in_progress', []])
    const done = await vi.waitFor(async () => {
      const found = await interactions.get(id)
      expect(found.status).toBe('completed')
      return found
    })
    expect(done).toMatchObject({ id, model: MODEL, output_image: { data: expect.stringMatching(/^iVBOR/) } })
    const events = []
    for await (const each of await interactions.get(id, { stream: true, last_event_id: '1' })) events.push(each)
    expect(events.map(({ event_type }) => event_type)).toEqual(['step.delta', 'step.stop', 'interaction.completed'])

    expect((await interactions.cancel(id)).status).toBe('completed')
    await interactions.delete(id)
    await expect(interactions.get(id)).rejects.toMatchObject({ status: 404 })
  })

  test('is cancelled while it is made, and deleted only after its end', async () => {
    const { id } = await created('A whale @delay=20000')
    await called(upstream, 1)
    // The SDK would delete it again after its end.
    expect((await visit(KEY, `/v1beta/interactions/${id}`, 'DELETE')).status).toBe(409)
    const cancelled = { id, status: 'cancelled', steps: [] }
    expect([await interactions.cancel(id), await interactions.get(id)]).toMatchObject([cancelled, cancelled])
    await interactions.delete(id)
    expect(upstream.calls).toMatchObject([{ outcome: 'aborted' }])
  })

  test('that fails has its error', async () => {
    const { id } = await created('A fish @fault=moderation')
    await vi.waitFor(async () => {
      const errors = [{ code: 'image_safety', message: expect.any(String) }]
      expect(await interactions.get(id)).toMatchObject({ id, status: 'failed', errors, steps: [] })
    })
  })

  test("of another team, or none, is not found in Google's words", async () => {
    const { key } = await team('acme')
    const { id } = await created('A frog')
    for (const [path, init] of [
      [`/v1beta/interactions/${id}`, { headers: { 'x-goog-api-key': key } }],
      ['/v1/interactions/int_unknown', { method: 'DELETE', headers: { 'x-goog-api-key': KEY } }],
    ] as const) {
      const response = await knock(path, init)
      expect([response.status, await response.json()]).toMatchObject([404, { error: { status: 'NOT_FOUND' } }])
    }
  })
})
