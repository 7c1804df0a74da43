import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import type { SlotOwner, SlotRequest } from '../../src/upstreams/account'
import { accounts, refusing, small, standingOf, stillClock } from '../support/accounts'
import { audit } from '../support/accounting'
import { cancel, ended, job } from '../support/jobs'
import { slowReplies } from '../support/slow-accounts'
import { ask, team } from '../support/teams'

const fake = accounts(
  [{ name: 'lone', secret: 'LONE_KEY', models: ['lone=relay-1', 'single=relay-1'], max_concurrency: 1 }],
  {
    LONE_KEY: 'key-lone',
    // One call makes one picture.
    MODELS: { single: { like: 'gemini-2.5-flash-image' } },
    QUEUE_WAIT_SECONDS: 60,
  },
)

const inLine = (waiting: number): Promise<boolean> =>
  vi.waitUntil(async () => (await standingOf('lone')).waiting === waiting)

describe('a job that waits for an upstream', () => {
  test('leaves the queue as soon as it is cancelled', async () => {
    const { key } = await team('acme')
    fake.close()
    const first = await job(key, small('lone', 'A cat'))
    const others: string[] = []
    await vi.waitUntil(() => fake.visits.length === 1)
    for (const prompt of ['A dog', 'A cow', 'A hen']) others.push(await job(key, small('lone', prompt)))
    await inLine(3)
    await Promise.all(others.map((id) => cancel(key, id)))
    await inLine(0)
    fake.open()
    expect((await ended(key, first)).status).toBe('succeeded')
    await vi.waitFor(async () => expect(await standingOf('lone')).toMatchObject({ slots: 0, sentWithinMinute: 1 }))
  })

  test('waits out the rest of the only upstream, and a waiting request gets a 503', async () => {
    const { key } = await team('acme')
    fake.answering('key-lone', refusing(429, { 'retry-after': '2' }, 'rate_limit_exceeded'))
    const id = await job(key, small('lone', 'A cat'))
    await vi.waitUntil(() => fake.visits.length === 1)
    const waits = await job(key, small('lone', 'A dog'))
    const refused = await ask(key, small('lone', 'A cow'))
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^[12]$/)])
    fake.answering('key-lone')
    expect([(await ended(key, id)).status, (await ended(key, waits)).status]).toEqual(['succeeded', 'succeeded'])
    expect(fake.visits).toHaveLength(3)
    const rows = (await audit('acme')).map(({ status, attempts }) => `${status} ${attempts}`)
    expect(rows.toSorted()).toEqual(['failed 0', 'succeeded 1', 'succeeded 2'])
  })
})

test('a job waits out a dozen rests, and no more', async () => {
  const { key } = await team('acme')
  // Caps every pause at the requested time.
  vi.spyOn(Math, 'random').mockReturnValue(-0.5)
  fake.answering('key-lone', refusing(429, { 'retry-after-ms': '1' }, 'rate_limit_exceeded'))
  const { status, error } = await ended(key, await job(key, small('lone', 'A cat')))
  expect([status, error?.code, fake.visits.length]).toEqual(['failed', 'no_upstream', 12])
})

test('a job goes on after a rest that ends before its route hears of it', async () => {
  const { key } = await team('acme')
  slowReplies(200)
  vi.spyOn(Math, 'random').mockReturnValue(-0.5)
  fake.answering('key-lone', refusing(429, { 'retry-after-ms': '100' }, 'rate_limit_exceeded'))
  const { status, error } = await ended(key, await job(key, small('lone', 'A cat')))
  expect([status, error?.code, fake.visits.length]).toEqual(['failed', 'no_upstream', 12])
})

test('a refused request does not wait for slots for its other pictures', async () => {
  const { key } = await team('acme')
  const order: string[] = []
  const told = async (name: string, body: Record<string, unknown>): Promise<number> => {
    const { status } = await ask(key, body)
    order.push(name)
    return status
  }
  const first = told('first', small('lone', 'A cat @delay=300'))
  await vi.waitUntil(() => fake.visits.length === 1)
  const refused = told('refused', small('single', 'A bad cat @fault=moderation', { n: 3 }))
  await inLine(1)
  const last = told('last', small('lone', 'A dog @delay=1500'))
  expect(await Promise.all([first, refused, last])).toEqual([200, 400, 200])
  expect(order).toEqual(['first', 'refused', 'last'])
})

test('a refusal of the second picture ends the wait for its slot', async () => {
  const { key } = await team('acme')
  const order: string[] = []
  const told = async (name: string, body: Record<string, unknown>): Promise<unknown> => {
    const response = await ask(key, body)
    order.push(name)
    return [response.status, (await response.json<{ data: unknown[] }>()).data.length]
  }
  const pair = told('pair', small('single', 'A cat @delay=300', { n: 2 }))
  await vi.waitUntil(() => fake.visits.length === 1)
  await inLine(1)
  const last = told('last', small('lone', 'A dog @delay=1500'))
  await inLine(2)
  fake.answering('key-lone', () => {
    fake.answering('key-lone')
    return refusing(400, {}, 'moderation_blocked')()
  })
  expect(await Promise.all([pair, last])).toEqual([
    [200, 1],
    [200, 1],
  ])
  expect([order, fake.visits.length]).toEqual([['pair', 'last'], 3])
})

describe('a slot granted after a wait', () => {
  const owner = (id: string): SlotOwner => ({ id, model: 'relay-1', payer: 'acme', request: id })
  const entrance = (id: string, patienceMs: number): SlotRequest => ({
    ...owner(id),
    allowance: { maxConcurrency: 1, requestsPerMinute: undefined },
    holdMs: 60_000,
    patienceMs,
    isOnlyCandidate: true,
  })

  test('is freed 15 s after the death of its owner, and kept after a confirmation', async () => {
    const moveOn = stillClock()
    const account = env.ACCOUNTS.getByName('waited-for')
    expect(await account.enter(entrance('holder', 0))).toEqual({ isProvisional: false })
    const dead = account.enter(entrance('dead', 30_000))
    await vi.waitUntil(async () => (await account.status()).waiting === 1)
    await account.leave(owner('holder'), { is: 'served' })
    expect(await dead).toEqual({ isProvisional: true })
    moveOn(15_000)
    const living = account.enter(entrance('living', 30_000))
    expect(await living).toEqual({ isProvisional: false })
    const next = account.enter(entrance('next', 30_000))
    await vi.waitUntil(async () => (await account.status()).waiting === 1)
    await account.leave(owner('living'), { is: 'served' })
    expect(await next).toEqual({ isProvisional: true })
    await account.enter(entrance('next', 0))
    moveOn(59_000)
    expect((await account.status()).slots).toBe(1)
  })

  test('is granted once when the reply was lost', async () => {
    const account = env.ACCOUNTS.getByName('asked-twice')
    await account.enter(entrance('one', 0))
    expect(await account.enter(entrance('one', 0))).toEqual({ isProvisional: false })
    expect(await account.status()).toMatchObject({ slots: 1, sentWithinMinute: 1 })
  })
})
