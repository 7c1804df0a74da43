import { abortAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { accounts, refusing, small, standingOf, stillClock, times } from '../support/accounts'
import { audit } from '../support/accounting'
import { openai } from '../support/gateway'
import { ask, team, type TestTeam } from '../support/teams'

const fake = accounts(
  [
    { name: 'narrow', secret: 'NARROW_KEY', models: ['narrow=relay-1', 'single=relay-1'], max_concurrency: 2 },
    { name: 'off', secret: 'OFF_KEY', models: ['half=relay-1'] },
    { name: 'taken', secret: 'TAKEN_KEY', models: ['half=relay-1'], max_concurrency: 1, priority: 1 },
    { name: 'lone', secret: 'LONE_KEY', models: ['lone=relay-1'], max_concurrency: 1, timeout_seconds: 20 },
  ],
  {
    NARROW_KEY: 'key-narrow',
    LONE_KEY: 'key-lone',
    OFF_KEY: 'key-off',
    TAKEN_KEY: 'key-taken',
    // One call makes one picture.
    MODELS: { single: { like: 'gemini-2.5-flash-image' } },
    QUEUE_WAIT_SECONDS: 60,
  },
)

const teams = (count: number): Promise<TestTeam[]> => times(count, count, (index) => team(`team-${index}`))

async function outcome(response: Response): Promise<number> {
  await response.arrayBuffer()
  return response.status
}

const upstreamCalled = (count: number): Promise<boolean> => vi.waitUntil(() => fake.visits.length === count)

describe('an upstream with two slots', () => {
  test('has at most two requests in flight and serves every team', async () => {
    const six = await teams(6)
    const asking = six.flatMap(({ key }) =>
      Array.from(
        { length: 6 },
        async (_, at) => await outcome(await ask(key, small('narrow', `${key} ${at} @delay=20`))),
      ),
    )
    expect(new Set(await Promise.all(asking))).toEqual(new Set([200]))
    expect([fake.most('key-narrow'), fake.visits.length]).toEqual([2, 36])
    await vi.waitFor(async () =>
      expect(await standingOf('narrow')).toMatchObject({ slots: 0, waiting: 0, sentWithinMinute: 36 }),
    )
  })

  test('has at most two requests in flight for requests of several calls', async () => {
    const three = await teams(3)
    const asking = three.map(async ({ key }) => {
      const response = await ask(key, small('single', `${key} @delay=30`, { n: 7 }))
      return (await response.json<{ data: unknown[] }>()).data.length
    })
    expect(await Promise.all(asking)).toEqual([7, 7, 7])
    expect([fake.most('key-narrow'), fake.visits.length]).toEqual([2, 21])
    const attempts = await Promise.all(three.map(async (each) => (await audit(each.team)).map((row) => row.attempts)))
    expect(attempts).toEqual([[7], [7], [7]])
    await vi.waitFor(async () =>
      expect(await standingOf('narrow')).toMatchObject({ slots: 0, waiting: 0, sentWithinMinute: 21 }),
    )
  })

  test('makes the pictures that another call of the same request failed to make', async () => {
    const { key } = await team('acme')
    fake.close()
    const asking = ask(key, small('single', 'A cat @once=500', { n: 5 }))
    await upstreamCalled(2)
    fake.open()
    const response = await asking
    expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(5)
    expect([fake.most('key-narrow'), fake.visits.length]).toEqual([2, 6])
  })
})

describe('requests that wait for an upstream', () => {
  test('are served in the order of arrival', async () => {
    const { key } = await team('acme')
    const prompts = Array.from({ length: 8 }, (_, at) => `A cat ${at} @bytes=100`)
    fake.close()
    const asking: Promise<number>[] = []
    for (const [at, prompt] of prompts.entries()) {
      asking.push(ask(key, { ...small('lone', ''), prompt }).then(outcome))
      await vi.waitUntil(async () => {
        const { slots, waiting } = await standingOf('lone')
        return slots + waiting === at + 1
      })
    }
    fake.open()
    expect(new Set(await Promise.all(asking))).toEqual(new Set([200]))
    expect(fake.visits.map(({ prompt }) => prompt)).toEqual(prompts)
    expect(fake.most('key-lone')).toBe(1)
  })
})

describe('the route of a request', () => {
  test('names a lasting unavailability once', async () => {
    const { key } = await team('acme')
    fake.answering('key-off', refusing(401))
    fake.close()
    const first = ask(key, small('half', 'A cat')).then(outcome)
    await upstreamCalled(1)
    fake.open()
    expect(await first).toBe(200)
    fake.close()
    const second = ask(key, small('half', 'A dog')).then(outcome)
    await upstreamCalled(3)
    const called = vi.spyOn(env.ACCOUNTS, 'getByName')
    const third = ask(key, small('half', 'A cow'))
    // Each look calls both accounts.
    await vi.waitUntil(() => called.mock.calls.length >= 6)
    fake.open()
    expect(await second).toBe(200)
    const desc = /desc="([^"]*)"/.exec((await third).headers.get('server-timing') ?? '')?.[1]
    expect(desc).toBe('off/0 disabled, taken/0 full, taken/0 served')
  })
})

describe('a generation after the death of its process', () => {
  test('passes its slot to the next attempt', async () => {
    const { key } = await team('acme')
    fake.close()
    const asking = ask(key, small('lone', 'A cat')).then(outcome)
    await upstreamCalled(1)
    fake.callersDied()
    await abortAllDurableObjects()
    fake.open()
    expect(await asking).toBe(200)
    expect([fake.visits.length, fake.most('key-lone')]).toEqual([2, 1])
    await vi.waitFor(async () => expect(await standingOf('lone')).toMatchObject({ slots: 0, waiting: 0 }))
  })

  test("without a successor frees its slot at the call's time limit", async () => {
    const moveOn = stillClock()
    const { key } = await team('acme')
    fake.close()
    const hangUp = new AbortController()
    const options = { signal: hangUp.signal, headers: { 'cache-control': 'no-store' } }
    const gone = openai({ apiKey: key })
      .images.generate({ model: 'lone', prompt: 'A cat @bytes=100' }, options)
      .catch(() => {})
    await upstreamCalled(1)
    hangUp.abort()
    await gone
    fake.callersDied()
    await abortAllDurableObjects()
    moveOn(75_000)
    expect((await standingOf('lone')).slots).toBe(1)
    moveOn(5000)
    fake.open()
    expect(await ask(key, small('lone', 'A dog')).then(outcome)).toBe(200)
    expect(fake.most('key-lone')).toBe(1)
  })
})
