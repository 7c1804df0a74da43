import { describe, expect, test, vi } from 'vitest'
import { audit, ownUsage, limitStatus, used } from '../support/accounting'
import { chatUsage, json, responseUsage, textAnswer } from '../support/fake-text'
import { post } from '../support/gateway'
import { ask, issue, operate, team, visit } from '../support/teams'
import { chat, HELLO, texts } from '../support/texts'

const { first, second } = texts()

/** The one request of a team, after its settlement. */
const settled = async (): Promise<unknown> =>
  await vi.waitFor(async () => {
    const entries = await audit('acme')
    expect(entries.map(({ status }) => status)).not.toContain('running')
    expect(entries).toHaveLength(1)
    return entries[0]
  })

const events = (...all: unknown[]): Response =>
  textAnswer(all.map((each) => `data: ${JSON.stringify(each)}\n\n`).join('') + 'data: [DONE]\n\n', 'text/event-stream')

const DELTA = { choices: [{ delta: { content: 'data: {"usage":{"prompt_tokens":1}}' } }], usage: null }
const RESPONSE = {
  usage: responseUsage(1000, 200),
  output: [{ content: 'x'.repeat(300_000) }],
  metadata: { usage: 'x' },
}
const LIKELY = {
  choices: [{ logprobs: Array.from({ length: 60_000 }, () => ({ logprob: -0.123456, bytes: [1, 2] })) }],
}
const LONG = { choices: [{ message: { content: '"usage":{"prompt_tokens":1}'.repeat(100_000) } }] }

describe.each([
  ['a completion', () => json({ choices: [], usage: chatUsage(1000, 200) })],
  ['a long one', () => json({ ...LONG, usage: chatUsage(1000, 200) })],
  ['one with log probabilities', () => json({ ...LIKELY, usage: chatUsage(1000, 200) })],
  ['one with its usage first', () => json({ usage: chatUsage(1000, 200), ...LONG })],
  ['one with more fields of usage', () => json({ usage: { ...chatUsage(1000, 200), details: { cached: 5 } } })],
  ['a stream of one', () => events(DELTA, DELTA, { choices: [], usage: chatUsage(1000, 200) })],
  ['a stream that counts as it goes', () => events({ usage: chatUsage(1000, 1) }, { usage: chatUsage(1000, 200) })],
  ['a response', () => json(RESPONSE)],
  ['a stream of one response', () => events({ response: { usage: null } }, { type: 'x', response: RESPONSE })],
])('%s', (_, answer) => {
  test('is metered and costs its usage at the prices of its upstream', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    first.next(answer)
    await (await chat(HELLO, key)).text()
    expect(await settled()).toMatchObject({
      status: 'succeeded',
      input_tokens: 1000,
      output_tokens: 200,
      cost_usd: 0.004,
    })
    expect(await used('acme')).toBe(4000)
  })
})

describe('a request for a text', () => {
  test('leaves an audit entry without any of the conversation', async () => {
    const { id, key } = await team('acme')
    const response = await chat(HELLO, key)
    await response.text()
    expect(await settled()).toMatchObject({
      id: expect.stringMatching(/^txt_[0-9a-f]{32}$/),
      run: expect.stringMatching(/^run_[0-9a-f]{32}$/),
      request_id: response.headers.get('x-request-id'),
      key: id,
      status: 'succeeded',
      error: null,
      operation: 'text',
      model: 'gpt-5.2',
      served_model: 'gpt-5.2',
      prompt: '',
      n: 0,
      images: [],
      upstream: 'first',
      upstream_request_id: 'req_upstream',
      organization: 'org-upstream',
      attempts: 1,
      input_tokens: 7,
      output_tokens: 5,
      cost_usd: 0.000064,
    })
  })

  test('costs the price of the upstream that answered', async () => {
    const { key } = await team('acme')
    first.next(() => json({}, 500))
    await (await chat(HELLO, key)).text()
    expect(await settled()).toMatchObject({
      upstream: 'second',
      attempts: 2,
      cost_usd: 0.000128,
      served_model: 'gpt-5.2-eu',
    })
    expect(second.calls).toHaveLength(1)
  })

  test('is metered without a known price, apart from free ones', async () => {
    const { key } = await team('acme')
    await (await chat({ ...HELLO, model: 'unpriced' }, key)).text()
    expect(await settled()).toMatchObject({ input_tokens: 7, output_tokens: 5, cost_usd: null })
    expect((await ownUsage(key)).totals).toMatchObject({ unpriced: 1, cost_usd: 0 })
  })

  test.each([
    ['a completion', () => json({ choices: [] })],
    ['a completion with a wrong usage', () => json({ usage: { prompt_tokens: -1, completion_tokens: 'many' } })],
    ['a stream', () => events(DELTA)],
    ['no JSON', () => textAnswer('Hello', 'text/plain')],
  ])('with %s and no usage costs at most the estimate', async (_, answer) => {
    const { key } = await team('acme', { budget_usd: 1 })
    first.next(answer)
    const body = JSON.stringify({ ...HELLO, model: 'brief', max_completion_tokens: 1000 })
    await (await chat(body, key)).text()
    const cost_usd = (Math.ceil(body.length / 3) * 2 + 1000 * 10) / 1e6
    expect(await settled()).toMatchObject({ status: 'succeeded', input_tokens: null, output_tokens: null, cost_usd })
  })

  test.each([
    ['in a stream of a response', () => events({ response: { error: null } }, { response: { error: { code: 'x' } } })],
    ['behind another event', () => json({ id: 'x', error: { message: 'Oops' } })],
  ])('with an error %s costs nothing', async (_, answer) => {
    const { key } = await team('acme', { budget_usd: 1 })
    first.next(answer)
    await (await chat(HELLO, key)).text()
    expect(await settled()).toMatchObject({ status: 'failed', error: 'upstream_failed', cost_usd: 0 })
    expect(await used('acme')).toBe(0)
  })

  test('with more pieces than its estimate costs as many tokens', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    first.next(() => events(...Array.from({ length: 49 }, () => DELTA)))
    const body = JSON.stringify({ ...HELLO, stream: true, max_tokens: 10 })
    await (await chat(body, key)).text()
    expect(await settled()).toMatchObject({ cost_usd: (Math.ceil(body.length / 3) * 2 + 50 * 10) / 1e6 })
  })

  test('with an error and a usage costs the usage', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    first.next(() => events({ response: { status: 'failed', error: { code: 'x' }, usage: responseUsage(1000, 200) } }))
    await (await chat(HELLO, key)).text()
    expect(await settled()).toMatchObject({ status: 'failed', output_tokens: 200, cost_usd: 0.004 })
    expect(await used('acme')).toBe(4000)
  })

  test.each(['', null])('with an error of %j has succeeded', async (error) => {
    const { key } = await team('acme')
    first.next(() => json({ error, usage: chatUsage(1000, 200) }))
    await (await chat(HELLO, key)).text()
    expect(await settled()).toMatchObject({ status: 'succeeded', cost_usd: 0.004 })
  })

  test('is in the usage of its caller, beside the pictures', async () => {
    const { key } = await team('acme', { images_per_day: 5 })
    await (await chat(HELLO, key)).text()
    await settled()
    await ask(key)
    const usage = await (await visit(key, '/v1/usage')).json<{ data: unknown[]; totals: Record<string, unknown> }>()
    const text = { model: 'gpt-5.2', upstream: 'first', generations: 1, images: 0, failures: 0, hits: 0 }
    expect(usage.data).toMatchObject([
      { ...text, input_tokens: 7, output_tokens: 5, cost_usd: 0.000064 },
      { images: 1 },
    ])
    expect(usage.totals).toMatchObject({ requests: 2, images: 1 })
    expect(await limitStatus('acme', 'images_per_day')).toMatchObject({ used: 1 })
  })

  test('does not change the latency of pictures', async () => {
    const { key } = await team('acme')
    await (await chat(HELLO, key)).text()
    await settled()
    expect((await ownUsage(key)).totals).toMatchObject({ mean_latency_ms: null, p95_latency_ms: null })
  })

  test('is not in the history of pictures', async () => {
    const { key } = await team('acme')
    await (await chat(HELLO, key)).text()
    await settled()
    await ask(key)
    const { data } = await (await visit(key, '/v1/generations')).json<{ data: unknown[] }>()
    expect(data).toMatchObject([{ model: 'gpt-image-2' }])
  })
})

describe('the money for a text', () => {
  const quoted = (body: string, output: number): number => Math.ceil(body.length / 3) * 4 + output * 20

  test.each([
    [{}, 4096],
    [{ max_tokens: 100 }, 100],
    [{ max_output_tokens: 200 }, 4096],
    [{ max_tokens: 200, max_output_tokens: 1000 }, 200],
    [{ max_completion_tokens: 100, max_tokens: 300 }, 300],
    [{ max_tokens: 100, n: 3 }, 300],
    [{ max_tokens: null, n: null }, 4096],
  ])('is held for as many tokens as %j allows, at the dearest price of its upstreams', async (more, output) => {
    const { key } = await team('acme', { budget_usd: 1 })
    const body = JSON.stringify({ ...HELLO, ...more })
    const { promise: answered, resolve } = Promise.withResolvers<void>()
    first.next(async () => {
      await answered
      return json({ usage: chatUsage(1, 1) })
    })
    const response = chat(body, key)
    await vi.waitUntil(() => first.calls.length === 1)
    expect(await used('acme')).toBe(quoted(body, output))
    resolve()
    await (await response).text()
    await settled()
    expect(await used('acme')).toBe(12)
  })

  test('is held on the route of responses for the tokens of one response', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const body = JSON.stringify({ model: 'gpt-5.2', input: 'Hello', max_output_tokens: 300, max_tokens: 1 })
    await (await post('/v1/responses', body, { authorization: `Bearer ${key}` })).text()
    expect(await settled()).toMatchObject({ reserved_usd: quoted(body, 300) / 1e6 })
  })

  test('is at most the price of the longest answer in the world', async () => {
    const { key } = await team('acme')
    first.next(() => json({ choices: [] }))
    const body = JSON.stringify({ ...HELLO, max_tokens: 1e300, n: 1e300 })
    await (await chat(body, key)).text()
    const cost_usd = (Math.ceil(body.length / 3) * 2 + 128e6 * 10) / 1e6
    expect(await settled()).toMatchObject({ reserved_usd: quoted(body, 128e6) / 1e6, cost_usd })
  })

  test('is taken from the key and its team', async () => {
    await operate('POST', '/teams', { id: 'acme', limits: { budget_usd: 1 } })
    const { key } = await issue('acme', { limits: { budget_usd: 0.5 } })
    await (await chat(HELLO, key)).text()
    await settled()
    expect(await used('acme')).toBe(64)
    const { limits } = await (await visit(key, '/v1/usage')).json<{ limits: unknown[] }>()
    expect(limits).toMatchObject([
      { scope: 'key', used: 0.000064 },
      { scope: 'team', used: 0.000064 },
    ])
  })
})

test('a response is metered on its own route', async () => {
  const { key } = await team('acme')
  const headers = { authorization: `Bearer ${key}` }
  await (await post('/v1/responses', { model: 'gpt-5.2', input: 'Hello' }, headers)).text()
  expect(await settled()).toMatchObject({ input_tokens: 7, output_tokens: 5 })
})
