import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { configOf } from '../../src/config'
import { accountIdOf } from '../../src/upstreams/accounts'
import { accounts, refusing, small, standingOf } from '../support/accounts'
import { holdTeam } from '../support/held-team'
import { environment } from '../support/settings'
import { holdAccounts } from '../support/slow-accounts'
import { ask, operate, team } from '../support/teams'

const fake = accounts(
  [
    { name: 'free', secret: 'FREE_KEY', models: ['free=relay-1'] },
    { name: 'narrow', secret: 'NARROW_KEY', models: ['narrow=relay-1'], max_concurrency: 2 },
    { name: 'first', secret: 'FIRST_KEY', models: ['ranked=relay-1'] },
    { name: 'second', secret: 'SECOND_KEY', models: ['ranked=relay-1'], priority: 1 },
  ],
  {
    FREE_KEY: 'key-free',
    NARROW_KEY: 'key-narrow',
    FIRST_KEY: 'key-1',
    SECOND_KEY: 'key-2',
    QUEUE_WAIT_SECONDS: 0,
  },
)

/** The status of an answer to a request for a model. */
async function statusOf(key: string, model: string, prompt: string): Promise<number> {
  const response = await ask(key, small(model, prompt))
  await response.arrayBuffer()
  return response.status
}

const free = (name: string): Promise<unknown> => vi.waitUntil(async () => (await standingOf(name)).slots === 0)

/** The key of a team with an image of a model: its accounts are proven. */
async function served(model: string, name: string): Promise<string> {
  const { key } = await team('acme')
  expect(await statusOf(key, model, 'A first cat')).toBe(200)
  await free(name)
  return key
}

/** Reports a failure of an account, as another isolate does. */
async function throttledElsewhere(name: string): Promise<void> {
  const upstream = configOf(environment()).upstreams.find((each) => each.name === name)
  const stub = env.ACCOUNTS.getByName(upstream ? accountIdOf(upstream) : '')
  const owner = { id: 'elsewhere', model: 'relay-1', payer: 'other', request: 'other' }
  await stub.leave(owner, { is: 'throttled', retryAfterMs: 60_000 })
}

describe('a call to an account that was well a moment ago', () => {
  test('does not wait for its slot, and frees it all the same', async () => {
    const key = await served('free', 'free')
    const { asked, release } = holdAccounts('enter')
    expect(await statusOf(key, 'free', 'A cat')).toBe(200)
    expect([asked(), fake.asked('key-free')]).toEqual([1, 2])
    release()
    await vi.waitUntil(async () => (await standingOf('free')).sentWithinMinute === 2)
    await free('free')
  })

  test('waits for a slot under a limit of the account', async () => {
    const key = await served('narrow', 'narrow')
    const { asked, release } = holdAccounts('enter')
    const answer = statusOf(key, 'narrow', 'A cat')
    await vi.waitUntil(() => asked() === 1)
    expect(fake.asked('key-narrow')).toBe(1)
    release()
    expect(await answer).toBe(200)
  })

  test('asks for no health', async () => {
    const key = await served('free', 'free')
    const { asked } = holdAccounts('health')
    expect(await statusOf(key, 'free', 'A cat')).toBe(200)
    expect(asked()).toBe(0)
  })

  test('goes to it once more after it was throttled elsewhere; the next one knows', async () => {
    const key = await served('ranked', 'first')
    await throttledElsewhere('first')
    fake.answering('key-1', refusing(429, { 'retry-after': '60' }, 'rate_limit_exceeded'))
    expect(await statusOf(key, 'ranked', 'A cat')).toBe(200)
    expect(await statusOf(key, 'ranked', 'A dog')).toBe(200)
    expect([fake.asked('key-1'), fake.asked('key-2')]).toEqual([2, 2])
  })

  test('goes to no account that its operator has taken out', async () => {
    const key = await served('ranked', 'first')
    expect((await operate('PATCH', '/upstreams/first', { enabled: false })).status).toBe(200)
    expect(await statusOf(key, 'ranked', 'A cat')).toBe(200)
    expect([fake.asked('key-1'), fake.asked('key-2')]).toEqual([1, 1])
  })
})

describe('while its team decides, an order', () => {
  test('has its accounts looked at', async () => {
    const { key } = await team('acme')
    const { asked, release } = holdTeam('reserve')
    const health = holdAccounts('health')
    const answer = statusOf(key, 'ranked', 'A cat')
    await vi.waitUntil(() => asked() === 1 && health.asked() === 2)
    health.release()
    release()
    expect(await answer).toBe(200)
    expect(health.asked()).toBe(2)
  })

  test('holds no slot', async () => {
    const { key } = await team('acme', { budget_usd: 0 })
    const { asked } = holdAccounts('enter')
    expect(await statusOf(key, 'free', 'A cat')).toBe(403)
    expect(asked()).toBe(0)
  })
})
