import { abortAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { audit, limitStatus, micro, used } from '../support/accounting'
import { ringGenerations, ringTeam } from '../support/alarms'
import { price } from '../support/billing-upstream'
import { errorOf } from '../support/gateway'
import { holdTeam } from '../support/held-team'
import { internet } from '../support/internet'
import { called, cancel, ended, job, jobState, startJob } from '../support/jobs'
import { settings } from '../support/settings'
import { ask, issue, type IssuedKey, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()
settings({ CACHE_SCOPE: 'shared' })

const ENDLESS = { prompt: 'A slow cat @delay=20000' }
const POPULAR = { prompt: 'A popular cat' }
const MONEY = { budget_usd: 1 }

const prompts = (): unknown[] => upstream.calls.map(({ fields }) => fields['prompt'])
const running = async (id: string): Promise<number> => (await limitStatus(id, 'concurrency')).used

/** A team at its limit, with a popular prompt in its queue. */
async function withQueue(): Promise<{ first: IssuedKey; busy: string; waits: string }> {
  const first = await team('acme', { concurrency: 1, ...MONEY })
  const busy = await job(first.key, ENDLESS)
  const waits = await job(first.key, POPULAR)
  await called(upstream, 1)
  return { first, busy, waits }
}

afterEach(() => settings({ QUEUE_WAIT_SECONDS: 0 }))

describe('a run that waits in the queue of another', () => {
  test.each([
    ['team', async () => await team('other', { concurrency: 5, ...MONEY })],
    ['key of its team', async () => await issue('acme')],
  ])('is made at once by a %s with free limits, at its cost', async (_, make) => {
    await team('acme')
    const slow = await issue('acme', { limits: { concurrency: 1 } })
    const busy = await job(slow.key, ENDLESS)
    const waits = await job(slow.key, POPULAR)
    const joiner = await make()
    const response = await ask(joiner.key, POPULAR)
    expect([response.status, response.headers.get('x-cache')]).toEqual([200, 'MISS'])
    expect(micro(Number(response.headers.get('x-cost-usd')))).toBe(price(POPULAR.prompt))
    expect(await ended(slow.key, waits)).toMatchObject({ status: 'succeeded' })
    const entries = [...(await audit('acme')), ...(await audit('other').catch(() => []))]
    expect(entries.filter(({ id }) => id === waits)).toMatchObject([{ key: joiner.id, status: 'succeeded' }])
    expect(await jobState(slow.key, await job(slow.key, { prompt: 'next' }))).toMatchObject({ queued_before: 0 })
    await cancel(slow.key, busy)
  })

  test('is free for the client that waited first', async () => {
    settings({ QUEUE_WAIT_SECONDS: 20 })
    const { key } = await team('acme', { concurrency: 1, ...MONEY })
    const busy = await job(key, ENDLESS)
    await called(upstream, 1)
    const held = holdTeam('reserve')
    const waiting = ask(key, POPULAR)
    await vi.waitUntil(() => held.asked() === 1)
    held.release()
    const other = await team('other')
    expect((await ask(other.key, POPULAR)).headers.get('x-cache')).toBe('MISS')
    const answer = await waiting
    expect([answer.status, answer.headers.get('x-cache'), answer.headers.get('x-cost-usd')]).toEqual([
      200,
      'JOINED',
      '0.000000',
    ])
    await cancel(key, busy)
    expect((await audit('acme')).map(({ id }) => id)).toEqual([busy])
  })

  test('refuses a team at its limit by the limit of that team, and goes on waiting', async () => {
    const { first, busy, waits } = await withQueue()
    const other = await team('other', { concurrency: 2 })
    const own = [
      await job(other.key, { prompt: 'one @delay=20000' }),
      await job(other.key, { prompt: 'two @delay=20000' }),
    ]
    expect(await errorOf(await ask(other.key, POPULAR))).toMatchObject({
      status: 429,
      message: expect.stringContaining('This team has 2 generations under way'),
    })
    expect(await jobState(first.key, waits)).toMatchObject({ status: 'queued', queued_before: 0 })
    await Promise.all(own.map((id) => cancel(other.key, id)))
    await cancel(first.key, busy)
    expect(await ended(first.key, waits)).toMatchObject({ status: 'succeeded', cost_usd: price(POPULAR.prompt) / 1e6 })
  })

  test('refuses a team without money by its own budget', async () => {
    const { first, busy } = await withQueue()
    const other = await team('other', { budget_usd: 0 })
    expect(await errorOf(await ask(other.key, POPULAR))).toMatchObject({ code: 'insufficient_quota' })
    expect(await audit('other')).toEqual([])
    await cancel(first.key, busy)
  })

  test("is made for a job at its turn in the queue of that job's team", async () => {
    const { first, busy, waits } = await withQueue()
    const other = await team('other', { concurrency: 1, ...MONEY })
    const own = await job(other.key, { prompt: 'own @delay=300' })
    expect(await job(other.key, POPULAR)).toBe(waits)
    expect(await jobState(other.key, waits)).toMatchObject({ status: 'queued', queued_before: 0 })
    expect(await ended(other.key, own)).toMatchObject({ status: 'succeeded' })
    expect(await ended(other.key, waits)).toMatchObject({ status: 'succeeded', cost_usd: price(POPULAR.prompt) / 1e6 })
    expect(await ended(first.key, waits)).toMatchObject({ status: 'succeeded', cost_usd: 0 })
    await cancel(first.key, busy)
    expect((await audit('acme')).map(({ id }) => id)).toEqual([busy])
    expect(await used('other')).toBe(price('own @delay=300') + price(POPULAR.prompt))
    expect(prompts()).toEqual([ENDLESS.prompt, 'own @delay=300', POPULAR.prompt])
  })

  test('goes on for the others after its payer cancels it', async () => {
    const { first, busy, waits } = await withQueue()
    const other = await team('other', { concurrency: 1, ...MONEY })
    const own = await job(other.key, { prompt: 'own @delay=20000' })
    await job(other.key, POPULAR)
    await cancel(first.key, waits)
    expect(await jobState(first.key, waits)).toMatchObject({ status: 'cancelled' })
    expect(await jobState(other.key, waits)).toMatchObject({ status: 'queued', queued_before: 0 })
    await cancel(other.key, own)
    expect(await ended(other.key, waits)).toMatchObject({ status: 'succeeded' })
    await cancel(first.key, busy)
  })
})

describe('a takeover', () => {
  test('that the turn of the run overtakes gives its money back, and its answer is free', async () => {
    const { first, busy, waits } = await withQueue()
    const other = await team('other', { concurrency: 5, ...MONEY })
    const held = holdTeam('reserve')
    const joining = ask(other.key, POPULAR)
    await vi.waitUntil(() => held.asked() === 1)
    await cancel(first.key, busy)
    await called(upstream, 2)
    held.release()
    const answer = await joining
    expect([answer.status, answer.headers.get('x-cache')]).toEqual([200, 'JOINED'])
    expect(await ended(first.key, waits)).toMatchObject({ cost_usd: price(POPULAR.prompt) / 1e6 })
    await vi.waitUntil(async () => (await running('other')) === 0)
    expect([await used('other'), upstream.calls.length]).toEqual([0, 2])
  })

  test('of a process that dies before its answer gives its money back', async () => {
    const { first, busy } = await withQueue()
    const other = await team('other', { concurrency: 5, ...MONEY })
    const lost = loseReplies()
    const joining = startJob(other.key, POPULAR)
    joining.catch(() => {})
    await vi.waitUntil(() => lost.decided() > 0)
    expect(await running('other')).toBe(1)
    await abortAllDurableObjects()
    vi.restoreAllMocks()
    internet({ 'api.openai.com': upstream })
    await ringGenerations()
    const id = (await (await joining).json<{ id: string }>()).id
    expect(await ended(other.key, id)).toMatchObject({ status: 'succeeded' })
    await vi.waitUntil(async () => {
      await ringGenerations()
      return (await running('other')) === 0
    })
    expect([await used('other'), await used('acme')]).toEqual([price(POPULAR.prompt), expect.any(Number)])
    expect((await audit('other')).map(({ status }) => status).toSorted()).toEqual(['cancelled', 'succeeded'])
    await ringTeam('acme')
    await cancel(first.key, busy)
  })
})

/** Loses the answers of teams to reservations, after they decided. */
function loseReplies(): { decided: () => number } {
  const getByName = env.TEAMS.getByName.bind(env.TEAMS)
  let decided = 0
  vi.spyOn(env.TEAMS, 'getByName').mockImplementation((name) => {
    const stub = getByName(name)
    const reserve = async (...order: Parameters<typeof stub.reserve>): Promise<unknown> => {
      await stub.reserve(...order)
      decided += 1
      return await new Promise(() => {})
    }
    return new Proxy(stub, { get: (_, verb) => (verb === 'reserve' ? reserve : Reflect.get(stub, verb)) })
  })
  return { decided: () => decided }
}
