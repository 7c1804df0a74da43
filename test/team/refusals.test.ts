import { exports } from 'cloudflare:workers'
import { OpenAI } from 'openai'
import { describe, expect, test, vi } from 'vitest'
import { openai } from '../support/gateway'
import { ask, CAT, issue, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const EVENING = Date.UTC(2027, 0, 30, 23, 59, 30)
const UNTIL_MONTH = '86430'

type Told = [number, string | null, string | null, string | null]

/** The status and the headers that SDKs read about retries. */
const toldOf = ({ status, headers }: Response): Told => [
  status,
  headers.get('retry-after'),
  headers.get('retry-after-ms'),
  headers.get('x-should-retry'),
]

/** The refusal of the last request, at half a minute before midnight of the second-last day of a month. */
async function refusalWith(limits: Record<string, unknown>, ...bodies: Record<string, unknown>[]): Promise<Told> {
  vi.useFakeTimers({ toFake: ['Date'], now: EVENING })
  await team('acme', limits)
  const { key } = await issue('acme')
  const [last = {}, ...before] = bodies.toReversed()
  for (const body of before) await ask(key, body)
  return toldOf(await ask(key, last))
}

describe('a refusal has the time of a retry, and whether the SDK retries', () => {
  test("for the minute's requests: once the bucket has room", async () => {
    expect(await refusalWith({ requests_per_minute: 60, burst: 1 }, {}, {})).toEqual([429, '1', '1000', null])
  })

  test("for the minute's requests, after several at once: once the bucket has room for all", async () => {
    const six = Array.from({ length: 6 }, () => ({}))
    expect(await refusalWith({ requests_per_minute: 20, burst: 5 }, ...six)).toEqual([429, '15', '15000', null])
  })

  test('in milliseconds, and rounded up to whole seconds in retry-after', async () => {
    expect(await refusalWith({ requests_per_minute: 90, burst: 1 }, {}, {})).toEqual([429, '1', '667', null])
  })

  test("for the day's requests: on the next day, without a retry by the SDK", async () => {
    expect(await refusalWith({ requests_per_day: 1 }, {}, {})).toEqual([429, '30', '30000', 'false'])
  })

  test("for the day's images: on the next day, without a retry by the SDK", async () => {
    const one = { prompt: 'A dog' }
    expect(await refusalWith({ images_per_day: 1 }, one, {})).toEqual([429, '30', '30000', 'false'])
  })

  test.each([
    ['more images than the limit of a day', { images_per_day: 1 }, { n: 2 }],
    ['any image at a concurrency of 0', { concurrency: 0 }, {}],
  ])('for %s: never', async (_, limits, body) => {
    expect(await refusalWith(limits, body)).toEqual([429, null, null, 'false'])
  })

  test('for the concurrency: when the oldest run may end, by the duration of the last ones', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: EVENING })
    const { key } = await team('acme', { concurrency: 1 })
    const before = ask(key, { prompt: 'A bird @delay=200' })
    await vi.waitUntil(() => upstream.calls.length === 1)
    vi.setSystemTime(EVENING + 40_000)
    await before
    const running = ask(key, { prompt: 'A cat @delay=200' })
    await vi.waitUntil(() => upstream.calls.length === 2)
    vi.setSystemTime(EVENING + 50_000)
    expect(toldOf(await ask(key, { prompt: 'A dog' }))).toEqual([429, '30', '30000', null])
    await running
  })

  test('for the budget: in the next month, without a retry by the SDK', async () => {
    const until = [UNTIL_MONTH, `${UNTIL_MONTH}000`]
    expect(await refusalWith({ budget_usd: 0.001 }, {})).toEqual([429, ...until, 'false'])
  })

  test('for the model: never', async () => {
    expect(await refusalWith({ models: ['relay-1'] }, {})).toEqual([403, null, null, 'false'])
  })

  test('for a model of unknown price with a budget: never', async () => {
    expect(await refusalWith({ budget_usd: 100 }, { model: 'relay-1' })).toEqual([403, null, null, 'false'])
  })

  test('for the day and the minute: the later of both', async () => {
    const limits = { requests_per_minute: 1, requests_per_day: 1 }
    expect(await refusalWith(limits, {}, {})).toEqual([429, '30', '30000', 'false'])
  })

  test('for money that running generations hold: in two seconds', async () => {
    const { key } = await team('acme', { budget_usd: 0.01 })
    const bodies = ['A cat @delay=200', 'A dog @delay=200'].map((prompt) => ({ prompt }))
    const answers = await Promise.all(bodies.map((body) => ask(key, body)))
    const [refused] = answers.filter(({ status }) => status === 429)
    expect(refused && toldOf(refused)).toEqual([429, '2', '2000', null])
  })
})

describe("OpenAI's client", () => {
  const generate = async (key: string, maxRetries: number): Promise<unknown> => {
    const body = { model: CAT.model, prompt: 'A dog' }
    return await openai({ apiKey: key, maxRetries })
      .images.generate(body)
      .catch((error: unknown) => error)
  }

  test.each([
    ["the day's requests", { requests_per_day: 0 }, OpenAI.RateLimitError, 'rate_limit_exceeded'],
    ["the day's images", { images_per_day: 0 }, OpenAI.RateLimitError, 'rate_limit_exceeded'],
    ['the budget', { budget_usd: 0 }, OpenAI.RateLimitError, 'insufficient_quota'],
    ['the models', { models: [] }, OpenAI.PermissionDeniedError, 'model_not_found'],
    ['the size', { max_size: '16x16' }, OpenAI.BadRequestError, 'invalid_value'],
  ])('raises a refusal for %s as its own class, after one request', async (_, limits, raised, code) => {
    const { key } = await team('acme', limits)
    const body = { model: CAT.model, prompt: 'A dog', size: '1024x1024' } as const
    const knocks = vi.fn<typeof fetch>((input, init) => exports.default.fetch(new Request(input, init)))
    const client = openai({ apiKey: key, maxRetries: 3, fetch: knocks })
    const error: unknown = await client.images.generate(body).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(raised)
    expect(error).toMatchObject({ code })
    expect(knocks).toHaveBeenCalledOnce()
  })

  test('waits for a running generation to finish, and gets its image', async () => {
    const { key } = await team('acme', { concurrency: 1 })
    const first = ask(key, { prompt: 'A cat @delay=300' })
    await vi.waitUntil(() => upstream.calls.length === 1)
    expect(await generate(key, 0)).toBeInstanceOf(OpenAI.RateLimitError)
    expect(await generate(key, 1)).toMatchObject({ data: [{}] })
    expect((await first).status).toBe(200)
  })
})
