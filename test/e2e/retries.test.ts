import { OpenAI } from 'openai'
import { expect, test } from 'vitest'
import { full } from '../support/full.ts'
import { callsBeginning, mostAtOnce, spendingOf } from './support/money.ts'
import { type Limits, limitStatus } from './support/operator.ts'
import { counted, drippingBucket, expectLimitError, rush } from './support/rush.ts'
import { served } from './support/served.ts'

// Requests above a limit get their refusal at once.
const running = served({ QUEUE_WAIT_SECONDS: '0' })

/** Requests at once, each with retries. */
const CROWD = full ? 500 : 120

const LOW = { model: 'gpt-image-2', quality: 'low', size: '1024x1024' } as const

/** A client with its default retries, and the statuses of its answers. */
interface Counting {
  client: OpenAI
  statuses: number[]
}

function counting(apiKey: string): Counting {
  const statuses: number[] = []
  const client = running.gateway.sdk({
    apiKey,
    maxRetries: 2,
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      statuses.push(response.status)
      return response
    },
  })
  return { client, statuses }
}

/** A client of a new team. */
const clientOf = async (team: string, limits: Limits): Promise<Counting> =>
  counting(await running.operator.team(team, limits))

/** The SDK's error of a request that must fail. */
const failureOf = (answer: Promise<OpenAI.ImagesResponse>): Promise<unknown> =>
  answer.then(
    () => expect.fail('this succeeded'),
    (error: unknown) => error,
  )

test.concurrent('a spent budget is a RateLimitError without a retry', async () => {
  const { client, statuses } = await clientOf('spent', { budget_usd: 0.005 })
  const error = await failureOf(client.images.generate({ ...LOW, prompt: 'A fern' }))
  expect(error).toBeInstanceOf(OpenAI.RateLimitError)
  expect(error).toMatchObject({ status: 429, code: 'insufficient_quota', type: 'insufficient_quota' })
  expect(statuses).toEqual([429])
  expect(await callsBeginning(running.upstream, 'A fern')).toEqual([])
})

test.concurrent('a retry after the Retry-After of a rate limit succeeds', async () => {
  const { client, statuses } = await clientOf('soon', { requests_per_minute: 20, burst: 1 })
  const answers = await Promise.all(['A moss', 'A lichen'].map((prompt) => client.images.generate({ ...LOW, prompt })))
  expect(answers.map(({ data }) => data?.length)).toEqual([1, 1])
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 200, 429])
})

test.concurrent('a retry after the concurrency limit succeeds', async () => {
  const { client, statuses } = await clientOf('one', { concurrency: 1 })
  const prompts = ['An oak @delay=1500', 'A beech @delay=1500']
  const answers = await Promise.all(prompts.map((prompt) => client.images.generate({ ...LOW, prompt })))
  expect(answers.map(({ data }) => data?.length)).toEqual([1, 1])
  expect(new Set(statuses)).toEqual(new Set([200, 429]))
})

test.concurrent.each([
  ['requests', { requests_per_day: 1 }, 1],
  ['images', { images_per_day: 2 }, 2],
])("a day's limit of %s is a RateLimitError without a retry", async (what, limits, n) => {
  const { client, statuses } = await clientOf(`day-of-${what}`, limits)
  await client.images.generate({ ...LOW, prompt: `A first rose of ${what}`, n })
  const error = await failureOf(client.images.generate({ ...LOW, prompt: `A second rose of ${what}` }))
  if (!(error instanceof OpenAI.RateLimitError)) throw error
  expect(counted({ made: [], refused: [error] })).toEqual({ day: 1 })
  expectLimitError(error)
  expect(error.headers.get(`x-ratelimit-remaining-${what}`)).toBe('0')
  expect(statuses).toEqual([200, 429])
})

const key = { models: ['gpt-image-2'], max_n: 2, max_size: '1536x1024' }

test.concurrent.each([
  ['another model', { model: 'relay-1' }, OpenAI.PermissionDeniedError, { status: 403, param: 'model' }],
  ['n above its limit', { n: 3 }, OpenAI.BadRequestError, { status: 400, param: 'n' }],
  ['a size above its limit', { size: '2048x2048' }, OpenAI.BadRequestError, { status: 400, param: 'size' }],
])('a key is refused %s, which is not tried again', async (what, asked, kind, details) => {
  const team = `key-${what.replaceAll(' ', '-')}`
  await running.operator.team(team)
  const { client, statuses } = counting((await running.operator.issueKey(team, { limits: key })).key)
  const error = await failureOf(client.images.generate({ ...LOW, prompt: 'A palm', ...asked }))
  expect(error).toBeInstanceOf(kind)
  expect(error).toMatchObject(details)
  const within = await client.images.generate({ ...LOW, prompt: `A palm, not ${what}`, n: 2, size: '1024x1536' })
  expect(within.data).toHaveLength(2)
  expect(statuses).toEqual([details.status, 200])
})

/** $0.1647 each: a budget of $1.00 pays for six. */
const WIDE = { model: 'gpt-image-2', quality: 'high', size: '1536x1024' } as const

test.concurrent(`${CROWD} requests at once with retries keep to the rate, the concurrency and the budget`, async () => {
  const mostLetIn = drippingBucket()
  const own = await running.operator.team('again', { budget_usd: 1 }, 'free')
  const rushed = await rush(counting(own).client, CROWD, 'A robin @delay=3000', WIDE)
  const calls = await callsBeginning(running.upstream, 'A robin')
  expect(rushed.made).toHaveLength(6)
  expect(counted(rushed).budget).toBeGreaterThan(0)
  rushed.refused.forEach(expectLimitError)
  const { standings } = await running.operator.read('again')
  expect(limitStatus(standings, 'requests_per_day').used).toBeLessThanOrEqual(mostLetIn())
  expect(mostAtOnce(calls)).toBeLessThanOrEqual(5)
  const { upstream, ...ours } = await spendingOf(running, 'again', own, calls)
  expect(Object.values(ours)).toEqual([upstream, upstream, upstream])
  expect(upstream).toBeLessThanOrEqual(1_000_000)
})
