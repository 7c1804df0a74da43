import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { finish, jobsUnderWay, modelAt, oneAtATime, PRICE, accountStatusAt } from '../support/asynchronous'
import { audit, micro, used } from '../support/accounting'
import { FakeBlackForestLabs } from '../support/fake-black-forest-labs'
import { FakeGemini } from '../support/fake-gemini'
import type { FakeProvider } from '../support/fake-provider'
import { FakeTogether } from '../support/fake-together'
import { ended, job, jobState } from '../support/jobs'
import { playingParts } from '../support/playing'
import { ask, stored, team } from '../support/teams'

const single = new FakeGemini()
const left = new FakeGemini()
const right = new FakeGemini()
const jobs = new FakeBlackForestLabs()
const several = new FakeTogether()

const shared = (name: string): string[] => [name, 'both'].map((each) => `${modelAt(each)}=${left.model}`)

playingParts([
  { name: 'single', fake: single, setting: oneAtATime('single', single.model, { max_concurrency: undefined }) },
  { name: 'limited', fake: jobs, setting: oneAtATime('limited', jobs.model) },
  { name: 'left', fake: left, setting: oneAtATime('left', '', { models: shared('left'), max_concurrency: 1 }) },
  { name: 'right', fake: right, setting: oneAtATime('right', '', { models: shared('right'), max_concurrency: 3 }) },
  { name: 'jobs', fake: jobs, setting: oneAtATime('jobs', jobs.model, { max_concurrency: undefined }) },
  { name: 'several', fake: several, setting: oneAtATime('several', several.model) },
])

interface Answer {
  data: { b64_json: string }[]
  usage: Record<string, number>
}

const bodyFor = (name: string, more: Record<string, unknown> = {}): Record<string, unknown> => {
  const whole = { size: undefined, quality: undefined, response_format: 'b64_json' }
  return { ...whole, model: modelAt(name), ...more }
}

const waitUntil = (isSo: () => boolean | Promise<boolean>): Promise<boolean> => vi.waitUntil(isSo)

interface Held {
  release: (...numbers: number[]) => void
  asked: () => number
  /** The largest number of requests in flight at once. */
  peak: () => number
}

/** Holds every request of an upstream until its number, from 0, is released; `faults` spoils some. */
function held(fake: FakeProvider, faults: Readonly<Record<number, string>> = {}): Held {
  const released = new Set<number>()
  let [asked, inHand, peak] = [0, 0, 0]
  const handle = fake.handle.bind(fake)
  vi.spyOn(fake, 'handle').mockImplementation(async (request) => {
    const at = asked++
    peak = Math.max(peak, ++inHand)
    const body = (await request.text()).replace('A cat', `A cat${faults[at] ?? ''}`)
    while (!released.has(at)) await new Promise((resolve) => setTimeout(resolve, 5))
    const response = await handle(new Request(request.url, { method: 'POST', headers: request.headers, body }))
    inHand -= 1
    return response
  })
  const release = (...numbers: number[]): void => numbers.forEach((at) => released.add(at))
  return { release, asked: () => asked, peak: () => peak }
}

describe('four pictures of an upstream that makes one at a time', () => {
  test('are one answer, in the order of the request', async () => {
    const { key } = await team('acme')
    const { release, asked } = held(single)
    const answering = ask(key, bodyFor('single', { n: 4 }))
    await waitUntil(() => asked() === 4)
    for (const at of [3, 1, 0, 2]) {
      const { length } = single.finals
      release(at)
      await waitUntil(() => single.finals.length > length)
    }
    const { data } = await (await answering).json<Answer>()
    const [fourth, second, first, third] = single.finals
    expect(data.map(({ b64_json }) => b64_json)).toEqual([first, second, third, fourth])
    expect(single.submits).toBe(4)
  })

  test('cost as much as four, with the sum of their usage', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const { usage: one } = await (await ask(key, bodyFor('single'))).json<Answer>()
    const response = await ask(key, bodyFor('single', { prompt: 'A dog', n: 4 }))
    expect(Number(response.headers.get('x-cost-usd'))).toBe(4 * PRICE)
    const { usage } = await response.json<Answer>()
    const counts = ['input_tokens', 'output_tokens', 'total_tokens'].map((name) => [usage[name], one[name]])
    expect(counts).toEqual([
      [48, 12],
      [4924, 1231],
      [4972, 1243],
    ])
    expect(await used('acme')).toBe(5 * micro(PRICE))
    expect((await audit('acme'))[0]).toMatchObject({ n: 4, attempts: 4, cost_usd: 4 * PRICE })
  })

  test('are requested one after the other, each once, from an account with one slot', async () => {
    const { key } = await team('acme')
    const id = await job(key, bodyFor('limited', { prompt: 'A cat @delay=600000', n: 4, response_format: 'url' }))
    const peaks: number[] = []
    for (const submits of [1, 2, 3, 4]) {
      await waitUntil(() => jobs.submits === submits)
      peaks.push(jobsUnderWay(jobs).length)
      finish(jobs)
    }
    expect((await ended(key, id)).images).toHaveLength(4)
    expect([jobs.submits, Math.max(...peaks)]).toEqual([4, 1])
    expect(await accountStatusAt('limited')).toMatchObject({ slots: 0, waiting: 0, sentWithinMinute: 4 })
    expect(await audit('acme')).toMatchObject([{ attempts: 4 }])
  })

  test('are spread over accounts by their free slots', async () => {
    const { key } = await team('acme')
    for (const name of ['left', 'right']) expect((await ask(key, bodyFor(name))).status).toBe(200)
    const [atLeft, atRight] = [held(left), held(right)]
    const answering = ask(key, bodyFor('both', { n: 4 }))
    await waitUntil(() => atLeft.asked() + atRight.asked() === 4)
    for (const { release } of [atLeft, atRight]) release(0, 1, 2)
    expect((await (await answering).json<Answer>()).data).toHaveLength(4)
    expect([atLeft.peak(), atRight.peak()]).toEqual([1, 3])
  })
})

test('of many pictures, four are made at once', async () => {
  const { key } = await team('acme')
  const { release, asked, peak } = held(single)
  const answering = ask(key, bodyFor('single', { n: 10 }))
  await waitUntil(() => asked() === 4)
  for (let at = 0; at < 10; at++) {
    await waitUntil(() => asked() > at)
    release(at)
  }
  expect((await (await answering).json<Answer>()).data).toHaveLength(10)
  expect([single.submits, peak()]).toEqual([10, 4])
})

test('the progress of several pictures is their mean and never falls', async () => {
  const { key } = await team('acme')
  const id = await job(key, bodyFor('jobs', { prompt: 'A cat @delay=600000', n: 2, response_format: 'url' }))
  const told: number[] = []
  const tellsMoreThan = (least: number): Promise<boolean> =>
    waitUntil(async () => {
      const percent = (await jobState(key, id)).progress?.percent ?? 0
      if (percent !== told.at(-1)) told.push(percent)
      return percent > least
    })
  await tellsMoreThan(39)
  finish(jobs, 1)
  await tellsMoreThan(69)
  // The other one fails and starts again.
  for (const each of jobsUnderWay(jobs)) Object.assign(each, { readyMs: 0, order: { ...each.order, fault: 'error' } })
  await waitUntil(async () => {
    await tellsMoreThan(69)
    return jobs.submits === 3
  })
  finish(jobs)
  expect((await ended(key, id)).images).toHaveLength(2)
  expect(told).toEqual(told.toSorted((a, b) => a - b))
  expect(told.at(-1)).toBe(70)
})

describe('four pictures, with one refused and one lost twice', () => {
  /** The first one is made before all others; the third one is lost, and once more as the fifth. */
  async function two(key: string): Promise<Response> {
    const { asked, release } = held(single, { 1: ' @fault=moderation', 2: ' @fault=cut', 4: ' @fault=cut' })
    const answer = ask(key, bodyFor('single', { n: 4 }))
    await waitUntil(() => asked() === 4)
    release(0)
    await waitUntil(async () => (await accountStatusAt('single')).slots === 3)
    release(1, 2, 3, 4, 5, 6, 7, 8)
    return await answer
  }

  test('are two pictures at the price of four; the lost ones are estimates', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const response = await two(key)
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'n=4>2'])
    expect(Number(response.headers.get('x-cost-usd'))).toBe(4 * PRICE)
    const { data } = await response.json<Answer>()
    expect(new Set(data.map(({ b64_json }) => b64_json)).size).toBe(2)
    expect([await used('acme'), single.submits]).toEqual([4 * micro(PRICE), 5])
    const amounts = { status: 'succeeded', cost_usd: 4 * PRICE, estimated_usd: 2 * PRICE }
    expect(await audit('acme')).toMatchObject([
      { ...amounts, attempts: 5, images: [expect.any(String), expect.any(String)] },
    ])
    await waitUntil(async () => (await stored()) === 2)
  })

  test('are repeated for a minute to the same team, and are not cached', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const { data } = await (await two(key)).json<Answer>()
    const again = await ask(key, bodyFor('single', { n: 4 }))
    expect([again.headers.get('x-cache'), again.headers.get('x-adjusted')]).toEqual(['HIT', 'n=4>2'])
    expect((await again.json<Answer>()).data).toEqual(data)
    expect((await env.CACHE.list({ prefix: 'records/' })).keys).toEqual([])
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_001 })
    const anew = await ask(key, bodyFor('single', { n: 4 }))
    expect([anew.headers.get('x-cache'), (await anew.json<Answer>()).data.length]).toEqual(['MISS', 4])
    expect(await used('acme')).toBe(8 * micro(PRICE))
  })
})

test('an answer that breaks off in the third picture leads to one more request for that one', async () => {
  const { key } = await team('acme', { budget_usd: 1 })
  const handle = several.handle.bind(several)
  vi.spyOn(several, 'handle').mockImplementationOnce(async (request) => {
    const answer = await (await handle(request)).text()
    return new Response(answer.slice(0, answer.lastIndexOf('"b64_json":"') + 100))
  })
  const response = await ask(key, bodyFor('several', { n: 3 }))
  expect((await response.json<Answer>()).data).toHaveLength(3)
  expect(several.sent.map(({ body }) => body)).toMatchObject([{ n: 3 }, { prompt: 'A cat' }])
  expect(several.sent[1]?.body).not.toMatchObject({ n: 3 })
  expect([response.headers.get('x-adjusted'), several.submits]).toEqual([null, 2])
  // The first answer may be billed with all its pictures.
  expect(await used('acme')).toBe(4 * micro(PRICE))
  expect(await audit('acme')).toMatchObject([{ attempts: 2, cost_usd: 4 * PRICE, estimated_usd: 3 * PRICE }])
})
