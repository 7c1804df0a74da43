import { OpenAI, type RateLimitError } from 'openai'
import { expect } from 'vitest'

/** The parameters besides the prompt. */
export type GenerateParameters = Omit<OpenAI.ImageGenerateParamsNonStreaming, 'prompt'>

/** The outcomes of many requests. */
export interface Rushed {
  made: OpenAI.ImagesResponse[]
  refused: RateLimitError[]
}

/** Sends so many different requests at once. Rethrows any error except a RateLimitError. */
export async function rush(client: OpenAI, times: number, prompt: string, asked: GenerateParameters): Promise<Rushed> {
  const rushed: Rushed = { made: [], refused: [] }
  const ask = async (number: number): Promise<void> => {
    try {
      rushed.made.push(
        await client.images.generate({ ...asked, prompt: `${prompt} number ${String(number).padStart(3, '0')}` }),
      )
    } catch (error) {
      if (!(error instanceof OpenAI.RateLimitError)) throw error
      rushed.refused.push(error)
    }
  }
  await Promise.all(Array.from({ length: times }, (_, number) => ask(number)))
  return rushed
}

/** The limit of a refusal, read from its message. */
export type Limit = 'rate' | 'concurrency' | 'held budget' | 'budget' | 'day'

const MESSAGES: [Limit, RegExp][] = [
  ['rate', /^429 Rate limit reached for this (?:team|key): \d+ requests per minute\. Try again in \d+s\.$/],
  ['day', /^429 Rate limit reached for this (?:team|key): \d+ (?:requests|images) per day\. Try again in \d+s, /],
  ['concurrency', /^429 This (?:team|key) has \d+ generations under way, which is its limit\. Try again /],
  ['held budget', /^429 The rest of this (?:team|key)'s budget is held for generations under way\. Try again /],
  ['budget', /^429 The rest of this (?:team|key)'s budget for the month does not pay for this request\. /],
]

export function limitOf({ message }: RateLimitError): Limit {
  const [limit] = MESSAGES.find(([, words]) => words.test(message)) ?? []
  if (!limit) throw new Error(`no limit refuses with the words: ${message}`)
  return limit
}

/** The number of refusals of each limit. */
export function counted({ refused }: Rushed): Partial<Record<Limit, number>> {
  const counts: Partial<Record<Limit, number>> = {}
  for (const limit of refused.map(limitOf)) counts[limit] = (counts[limit] ?? 0) + 1
  return counts
}

const OF_REQUESTS = { code: 'rate_limit_exceeded', type: 'requests' }
const OF_WHAT_IS_UNDER_WAY = { code: 'rate_limit_exceeded', type: 'concurrent-requests' }

/** The code and type of each limit's error. */
const NAMES: Record<Limit, { code: string; type: string }> = {
  rate: OF_REQUESTS,
  day: OF_REQUESTS,
  concurrency: OF_WHAT_IS_UNDER_WAY,
  'held budget': OF_WHAT_IS_UNDER_WAY,
  budget: { code: 'insufficient_quota', type: 'insufficient_quota' },
}

const RATE_HEADERS = ['x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests', 'ratelimit-policy']

/** Checks a refusal's code, headers and Retry-After; a rate must be 20 a minute. */
export function expectLimitError(error: RateLimitError): void {
  const header = (name: string): string | null => error.headers.get(name)
  const [seconds, ms] = [Number(header('retry-after')), Number(header('retry-after-ms'))]
  expect(error.status).toBe(429)
  expect(error.requestID).toMatch(/^req_/)
  expect(ms).toBeGreaterThan(0)
  expect(seconds).toBe(Math.ceil(ms / 1000))
  const limit = limitOf(error)
  expect(error).toMatchObject(NAMES[limit])
  expect(header('x-should-retry')).toBe(limit === 'budget' || limit === 'day' ? 'false' : null)
  if (limit !== 'rate') return
  expect(RATE_HEADERS.map(header)).toEqual(['20', '0', expect.stringContaining('"minute";q=20;w=60')])
  expect(header('x-ratelimit-reset-requests')).toBe(ms < 1000 ? `${ms}ms` : `${seconds}s`)
  expect(header('ratelimit')).toContain(`"minute";r=0;t=${seconds}`)
}

/** Counts the admissions of 20 a minute from now on: 20 at once, and five more every 15 s. */
export function drippingBucket(): () => number {
  const startedMs = Date.now()
  return () => 20 + 5 * Math.floor((Date.now() - startedMs) / 15_000)
}
