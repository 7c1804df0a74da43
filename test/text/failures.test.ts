import { describe, expect, test, vi } from 'vitest'
import { audit, used } from '../support/accounting'
import { json, refusal, textAnswer } from '../support/fake-text'
import { errorOf } from '../support/gateway'
import { team } from '../support/teams'
import { chat, HELLO, texts } from '../support/texts'

const { first, second } = texts()

const SECRET = 'Account acct_77 of org-upstream: sk-first-secret is over its limit.'

const NO_MONEY = { error: { message: SECRET, code: 'insufficient_quota' } }

const FAILURES: [string, () => Response | Promise<Response>, number, string][] = [
  ['refuses its key', () => refusal(401, SECRET, 'invalid_api_key'), 503, 'No upstream can serve this model'],
  ['has no money left', () => refusal(429, SECRET, 'insufficient_quota'), 503, 'No upstream can serve this model'],
  ['has too much to do', () => refusal(429, SECRET, 'rate_limit_exceeded'), 503, 'Every upstream for this model'],
  ['does not know its model', () => refusal(404, SECRET, 'model_not_found'), 503, 'No upstream can serve this model'],
  ['fails', () => refusal(500, SECRET), 502, 'The upstream failed to answer. Try again.'],
  ['does not exist', () => Promise.reject(new TypeError(SECRET)), 502, 'The upstream failed to answer. Try again.'],
  ['answers with a page', () => textAnswer(SECRET, 'text/html', 502), 502, 'The upstream failed to answer. Try again.'],
  [
    'sends elsewhere',
    () => Response.redirect('https://elsewhere.example.com/', 307),
    502,
    'The upstream failed to answer. Try again.',
  ],
  ['says nothing', () => textAnswer('', 'application/json'), 502, 'The upstream failed to answer. Try again.'],
  [
    'breaks off before it begins',
    () => textAnswer(broken(), 'text/event-stream'),
    502,
    'The upstream failed to answer.',
  ],
  ['says that it failed with a good status', () => json({ error: { message: SECRET } }), 502, 'The upstream failed'],
  ['reports it in a stream', () => textAnswer(inStream(), 'text/event-stream'), 502, 'The upstream failed to answer.'],
  [
    'reports it in a stream that does not end',
    () => textAnswer(open(inStream()), 'text/event-stream'),
    502,
    'The upstream failed',
  ],
  ['reports no money with a good status', () => json(NO_MONEY), 503, 'No upstream can serve this model'],
  [
    'does not begin in time',
    () => new Promise<Response>(() => {}),
    504,
    'The upstream did not begin to answer in time',
  ],
]

/** The quote of a request without a limit, at the prices of `first`, in USD. */
const quoteOfText = (asked: object): number => (Math.ceil(JSON.stringify(asked).length / 3) * 2 + 4096 * 10) / 1e6

const quoted = (cost: number): object => ({ cost_usd: cost, estimated_usd: cost })

const broken = (): ReadableStream => new ReadableStream({ pull: (controller) => controller.error(new Error(SECRET)) })
/** A stream that stays open after its first event. */
const open = (said: string): ReadableStream =>
  new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(said)) })
const inStream = (): string => `event: error\ndata: {"error":{"message":"${SECRET}","code":"server_error"}}\n\n`

const UNUSABLE = ['says nothing', 'breaks off before it begins']

describe.each(FAILURES)('an upstream that %s', (title, fail, status, message) => {
  test("gets an error of the gateway's own, and costs its quote only if it may have answered", async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    // A passing failure leads to one more try. An unusable answer would come again.
    const attempts = status === 502 && !UNUSABLE.includes(title) ? 2 : 1
    for (let times = 0; times < attempts; times++) first.next(fail)
    const asked = { ...HELLO, model: 'brief' }
    const error = await errorOf(await chat(asked, key))
    expect(error).toMatchObject({ status, message: expect.stringContaining(message) })
    expect(JSON.stringify(error)).not.toMatch(/acct_77|org-upstream|sk-/)
    const cost = status === 504 ? quoteOfText(asked) : 0
    const row = { status: 'failed', ...quoted(cost), attempts, upstream: 'first' }
    expect(await audit('acme')).toMatchObject([row])
  })

  test('is replaced by the next', async () => {
    first.next(fail)
    const response = await chat()
    expect([response.status, response.headers.get('x-upstream')]).toEqual([200, 'second'])
    expect(second.calls.map(({ fields }) => fields['model'])).toEqual(['gpt-5.2-eu'])
  })
})

describe('a request that its upstream refuses', () => {
  const refused = (): Response => {
    const message = "Unknown parameter: 'tomorrow' (request id: 2026). Your key: sk-first-secret, org-upstream."
    return json(
      { error: { message, type: 'invalid_request_error', param: 'tomorrow', code: 'unknown_parameter' } },
      400,
    )
  }

  test("has the upstream's own sentence, without secrets", async () => {
    first.next(refused)
    expect(await errorOf(await chat())).toEqual({
      status: 400,
      message: "Unknown parameter: 'tomorrow'. Your key: ***, ***.",
      type: 'invalid_request_error',
      param: 'tomorrow',
      code: 'unknown_parameter',
    })
  })

  test('is not sent elsewhere', async () => {
    first.next(refused)
    await chat()
    expect(second.calls).toEqual([])
  })
})

test('an upstream that throttles is retried after its own delay', async () => {
  first.next(() => new Response('{}', { status: 429, headers: { 'retry-after': '7' } }))
  const response = await chat({ ...HELLO, model: 'brief' })
  expect([response.status, response.headers.get('retry-after')]).toEqual([503, '7'])
})

test('every credential of an upstream is tried', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  first.next(() => refusal(500, 'Oops'))
  second.next(() => refusal(429, 'Slow down'))
  expect((await chat()).status).toBe(200)
  expect(second.calls.map(({ headers }) => headers.get('authorization'))).toEqual([
    'Bearer sk-second-secret',
    'Bearer sk-third-secret',
  ])
})

test('an answer that breaks off breaks off for the client, and costs its quote', async () => {
  const { key } = await team('acme', { budget_usd: 1 })
  first.next(() => {
    let sent = false
    const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
      if (sent) return controller.error(new Error(SECRET))
      sent = true
      controller.enqueue(new TextEncoder().encode('{"choices":[],'))
    }
    return textAnswer(new ReadableStream({ pull }), 'application/json')
  })
  const response = await chat(HELLO, key)
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow()
  await vi.waitFor(async () =>
    expect(await audit('acme')).toMatchObject([
      { status: 'failed', error: 'upstream_failed', ...quoted(quoteOfText(HELLO)) },
    ]),
  )
})

test('a stream with an error after its content costs its quote', async () => {
  const { key } = await team('acme', { budget_usd: 1 })
  const content = 'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n'
  first.next(() => textAnswer(content + inStream(), 'text/event-stream'))
  await (await chat(HELLO, key)).text()
  await vi.waitFor(async () =>
    expect(await audit('acme')).toMatchObject([
      { status: 'failed', error: 'upstream_failed', ...quoted(quoteOfText(HELLO)) },
    ]),
  )
  expect(await used('acme')).toBe(quoteOfText(HELLO) * 1e6)
})
