import { describe, expect, test, vi } from 'vitest'
import { accounts, refusing, small, standingOf, stillClock, times } from '../support/accounts'
import { full } from '../support/full'
import { errorOf, post } from '../support/gateway'
import { ask, operate, team, visit } from '../support/teams'

const fake = accounts(
  [
    { name: 'trio', secret: 'TRIO_KEYS', models: ['trio=relay-1'] },
    { name: 'first', secret: 'FIRST_KEY', models: ['ranked=relay-1'] },
    { name: 'second', secret: 'SECOND_KEY', models: ['ranked=relay-1'], priority: 1 },
    { name: 'third', secret: 'THIRD_KEY', models: ['ranked=relay-1'], priority: 2 },
    { name: 'heavy', secret: 'HEAVY_KEY', models: ['weighed=relay-1'], weight: 3 },
    { name: 'light', secret: 'LIGHT_KEY', models: ['weighed=relay-1'] },
  ],
  {
    TRIO_KEYS: 'key-a, key-b, key-c',
    FIRST_KEY: 'key-1',
    SECOND_KEY: 'key-2',
    THIRD_KEY: 'key-3',
    HEAVY_KEY: 'key-heavy',
    LIGHT_KEY: 'key-light',
  },
)

const REQUESTS = full ? 1000 : 200

const generate = (model: string, prompt: string): Promise<Response> =>
  post('/v1/images/generations', small(model, prompt))

async function outcome(response: Response): Promise<number> {
  await response.arrayBuffer()
  return response.status
}

/** The outcomes of different requests, twenty at once. */
const outcomes = (count: number, model: string, subject: string): Promise<number[]> =>
  times(count, 20, async (index) => await outcome(await generate(model, `${subject} ${index}`)))

const THROTTLED = refusing(429, { 'retry-after': '30' }, 'rate_limit_exceeded')
const REVOKED = refusing(401, {}, 'invalid_api_key')

describe('three accounts, one of them throttled and one revoked,', () => {
  test('serve every request, and the throttled one is used again after its rest', async () => {
    const moveOn = stillClock()
    fake.answering('key-a', THROTTLED)
    fake.answering('key-b', REVOKED)
    expect(new Set(await outcomes(REQUESTS, 'trio', 'A cat'))).toEqual(new Set([200]))
    expect([fake.asked('key-a'), fake.asked('key-b'), fake.asked('key-c')]).toEqual([1, 1, REQUESTS])
    expect((await standingOf('trio', 0)).health.cooling).toMatchObject({ untilMs: Date.now() + 30_000, times: 1 })
    expect((await standingOf('trio', 1)).health.disabled).toMatchObject({ sinceMs: Date.now(), status: 401 })

    fake.answering('key-a')
    moveOn(29_999)
    expect(new Set(await outcomes(20, 'trio', 'An early cat'))).toEqual(new Set([200]))
    expect(fake.asked('key-a')).toBe(1)
    moveOn(1)
    expect(new Set(await outcomes(100, 'trio', 'A later cat'))).toEqual(new Set([200]))
    expect(fake.asked('key-a')).toBeGreaterThan(20)
    expect((await standingOf('trio', 0)).health).toMatchObject({ proven: true, cooling: { untilMs: 0, times: 0 } })
    expect(fake.asked('key-b')).toBe(1)
  })

  test('are probed once after the rest if they have not recovered', async () => {
    const moveOn = stillClock()
    fake.answering('key-a', THROTTLED)
    await outcomes(20, 'trio', 'A bird')
    expect(fake.asked('key-a')).toBe(1)
    moveOn(30_000)
    expect(new Set(await outcomes(40, 'trio', 'A later cat'))).toEqual(new Set([200]))
    expect(fake.asked('key-a')).toBe(2)
  })
})

describe('an account with requests in flight', () => {
  test('stays disabled after its key is revoked, although those succeed', async () => {
    await outcomes(20, 'trio', 'A bird')
    const before = fake.asked('key-a')
    fake.close()
    const slow = outcomes(12, 'trio', 'A slow cat')
    await vi.waitUntil(() => fake.visits.length === 32)
    const inHand = fake.asked('key-a') - before
    fake.open()
    expect(inHand).toBeGreaterThan(0)
    fake.answering('key-a', REVOKED)
    expect(new Set(await slow)).toEqual(new Set([200]))
    const told = fake.asked('key-a')
    expect(new Set(await outcomes(20, 'trio', 'A hen'))).toEqual(new Set([200]))
    expect([fake.asked('key-a'), (await standingOf('trio', 0)).health.disabled?.status]).toEqual([told, 401])
  })
})

describe('callers with all of their upstreams down', () => {
  const refused = async (prompt: string): Promise<(string | number | null)[]> => {
    const response = await generate('ranked', prompt)
    const { status, code } = await errorOf(response)
    return [status, code, response.headers.get('retry-after'), response.headers.get('x-should-retry')]
  }

  test('get the time until the first one recovers, to the second', async () => {
    const moveOn = stillClock()
    fake.answering('key-1', refusing(429, { 'retry-after': '42' }))
    fake.answering('key-2', REVOKED)
    fake.answering('key-3', refusing(500))
    for (const at of [1, 2, 3, 4, 5]) await outcome(await generate('ranked', `A cat ${at}`))
    expect(await refused('A cow')).toEqual([503, 'server_is_overloaded', '30', null])
    moveOn(12_000)
    expect(await refused('A dog')).toEqual([503, 'server_is_overloaded', '18', null])
    moveOn(17_001)
    expect(await refused('A fox')).toEqual([503, 'server_is_overloaded', '1', null])
    expect(fake.visits.map(({ key }) => key)).toEqual(['key-1', 'key-2', ...Array.from({ length: 5 }, () => 'key-3')])
    moveOn(999)
    fake.answering('key-3')
    expect((await generate('ranked', 'A hen')).headers.get('x-upstream')).toBe('third')
  })

  test('get no retry for a fault that only the operator can mend', async () => {
    for (const key of ['key-1', 'key-2', 'key-3']) fake.answering(key, REVOKED)
    const never = [503, 'server_is_overloaded', null, 'false']
    expect([await refused('A cat'), await refused('A dog')]).toEqual([never, never])
    expect(fake.visits).toHaveLength(3)
  })
})

describe('a request', () => {
  test('is sent to equals by their weights', async () => {
    expect(new Set(await outcomes(120, 'weighed', 'A cat'))).toEqual(new Set([200]))
    // Of 120, 90 are expected; fewer than 69 or more than 111 occur about once in 200,000 runs.
    expect(fake.asked('key-heavy')).toBeGreaterThan(68)
    expect(fake.asked('key-heavy')).toBeLessThan(112)
  })

  test('has its upstreams in server-timing in their order, with the unavailabilities of the others', async () => {
    fake.answering('key-1', THROTTLED)
    fake.answering('key-2', REVOKED)
    const routes = [await generate('ranked', 'A cat'), await generate('ranked', 'A dog')].map(
      ({ headers }) => /desc="([^"]*)"/.exec(headers.get('server-timing') ?? '')?.[1],
    )
    expect(routes).toEqual([
      'first/0 throttled, second/0 misconfigured, third/0 served',
      'first/0 cooling, second/0 disabled, third/0 served',
    ])
  })

  test('has its route in the audit, also after a failure, and hides it from the team', async () => {
    const { key } = await team('acme')
    fake.answering('key-1', THROTTLED)
    fake.answering('key-2', REVOKED)
    await outcome(await ask(key, small('ranked', 'A cat')))
    fake.answering('key-3', refusing(429))
    await outcome(await ask(key, small('ranked', 'A dog')))
    const { data } = await (await operate('GET', '/audit?team=acme')).json<{ data: Record<string, unknown>[] }>()
    expect(data.map(({ route, attempts }) => [route, attempts])).toEqual([
      ['first/0 cooling, second/0 disabled, third/0 throttled', 1],
      ['first/0 throttled, second/0 misconfigured, third/0 served', 3],
    ])
    expect(await (await visit(key, '/v1/generations')).text()).not.toContain('misconfigured')
  })
})
