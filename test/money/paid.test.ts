import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { audit, micro, used } from '../support/accounting'
import { openai } from '../support/gateway'
import { internet } from '../support/internet'
import { deleteObjects } from '../support/objects'
import { type PaidCase, PRICE } from '../support/paid-answers'
import { PAID_CASES } from '../support/paid-cases'
import { endAtOnce } from '../support/quick-pauses'
import { settings } from '../support/settings'
import { team } from '../support/teams'

const HOST = 'upstream.example.com'
const COUNTS = [1, 2, 3] as const

const nameOf = (index: number, count: number): string => `case-${index}-of-${count}`
const secretOf = (count: number): string => `KEYS_${count}`

/** An upstream for each row and number of accounts. */
const entryOf = ({ provider, model = 'painter', priced }: PaidCase, index: number, count: number): object => {
  const name = nameOf(index, count)
  const prices = priced ? { prices: { [name]: { image: PRICE / 1e6 } } } : {}
  // Token prices are those of the model that it is like.
  return {
    name,
    provider,
    base_url: `https://${HOST}`,
    secret: secretOf(count),
    models: [`${name}=${model}`],
    ...prices,
  }
}

const liked = PAID_CASES.flatMap(({ model }, index) =>
  model === 'gpt-image-2' ? COUNTS.map((count) => [nameOf(index, count), { like: 'gpt-image-2' }]) : [],
)
settings({
  UPSTREAMS: JSON.stringify(COUNTS.flatMap((count) => PAID_CASES.map((row, index) => entryOf(row, index, count)))),
  MODELS: Object.fromEntries(liked),
  DEMO_UPSTREAM: false,
  ...Object.fromEntries(
    COUNTS.map((count) => [secretOf(count), Array.from({ length: count }, (_, at) => `key-${at}`).join(',')]),
  ),
})

/** The pauses before a paid picture is fetched again, in ms. */
const FETCH_PAUSES_MS = [250, 1000, 3000]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  endAtOnce(...FETCH_PAUSES_MS)
})
afterEach(async () => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  await deleteObjects()
})

/** The credential of each request that buys. */
function billing({ answer, afterMs = 0 }: PaidCase): string[] {
  const buyers: string[] = []
  const handle = async (request: Request): Promise<Response> => {
    const { headers, method } = request
    if (method === 'GET') return new Response(null, { status: 410 })
    buyers.push(['authorization', 'x-key', 'api-key', 'x-goog-api-key'].map((name) => headers.get(name)).join(''))
    await request.text()
    // By then the sender has seen it.
    await new Promise((resolve) => setTimeout(resolve))
    vi.setSystemTime(Date.now() + afterMs)
    return answer()
  }
  internet({ [HOST]: { handle } })
  return buyers
}

/** The vendor's own client with its own retries. It waits for no time. */
async function askOnce(key: string, model: string): Promise<void> {
  const client = openai({ apiKey: key, maxRetries: 2 })
  await client.images.generate({ model, prompt: 'A cat' }).catch(() => {})
}

describe.each(COUNTS.map((count) => ({ count })))('with $count accounts, the ledger has the bill of', ({ count }) => {
  test.each(PAID_CASES.map((row, index) => ({ ...row, index })))('$title: $provider', async ({ index, ...row }) => {
    const { key } = await team('acme', row.priced ? { budget_usd: 10 } : {})
    const buyers = billing(row)
    await askOnce(key, nameOf(index, count))
    const posts = row.posts[count - 1] ?? 0
    expect([buyers.length, new Set(buyers).size]).toEqual([posts, Math.min(posts, count)])
    const [entry, ...others] = await audit('acme')
    const cost = buyers.length * row.bill
    expect([others, micro(entry?.cost_usd), micro(entry?.estimated_usd)]).toEqual([[], cost, row.isEstimate ? cost : 0])
    if (row.priced) expect(await used('acme')).toBe(cost)
  })
})
