import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { LEASE_MS } from '../../src/limits/lease'
import { KEY } from '../support/gateway'
import { deleteObjects } from '../support/objects'
import { ask, operate, team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const counted = (statuses: readonly number[]): Record<number, number> => {
  const counts: Record<number, number> = {}
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

/** A key with a cached picture and many requests for it within a moment. */
async function busy(limits: Record<string, unknown>, times: number): Promise<TestTeam & { statuses: number[] }> {
  const acme = await team('acme', limits)
  await ask(acme.key)
  const statuses: number[] = []
  for (let asked = 0; asked < times; asked += 20) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(acme.key)))
    statuses.push(...answers.map(({ status }) => status))
  }
  return { ...acme, statuses }
}

/** The number of the day's requests that a team has left. */
const remaining = async (id: string): Promise<unknown> => {
  const { standings } = await (await operate('GET', `/teams/${id}`)).json<{ standings: { remaining: number }[] }>()
  return standings[0]?.remaining
}

describe('a key with few hits', () => {
  test('is answered without a call of its team', async () => {
    const { key } = await team('quiet')
    await ask(key)
    const asked = vi.spyOn(env.TEAMS, 'getByName')
    expect((await ask(key)).headers.get('x-cache')).toBe('HIT')
    expect(asked).not.toHaveBeenCalled()
    await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(1))
  })

  test('sees its limit count down with each answer', async () => {
    const { key } = await team('quiet', { requests_per_minute: 60, requests_per_day: 1000 })
    const left: (string | null)[] = []
    for (let sent = 0; sent < 12; sent++) left.push((await ask(key)).headers.get('ratelimit'))
    const remaining = left.map((header) =>
      /r=(\d+).*r=(\d+)/
        .exec(header ?? '')
        ?.slice(1)
        .map(Number),
    )
    expect(remaining).toEqual(left.map((_, sent) => [59 - sent, 999 - sent]))
  })

  test('has requests from before its first limit counted', async () => {
    const { key } = await team('quiet')
    for (let sent = 0; sent < 3; sent++) await ask(key)
    await vi.waitFor(async () => {
      const { data } = await (await operate('GET', '/usage')).json<{ data: { hits: number }[] }>()
      expect(data[0]?.hits).toBe(2)
    })
    await operate('PATCH', '/teams/quiet', { limits: { requests_per_day: 4 } })
    expect([(await ask(key)).status, (await ask(key)).status]).toEqual([200, 429])
  })
})

describe('a key that is busy with hits', () => {
  test('asks its team less often than it receives requests', async () => {
    const { key } = await busy({}, 40)
    const asked = vi.spyOn(env.TEAMS, 'getByName')
    for (let hits = 0; hits < 40; hits++) await ask(key)
    expect(asked.mock.calls.length).toBeLessThan(10)
  })

  test('has every request counted all the same', async () => {
    const acme = await busy({ requests_per_day: 100_000 }, 200)
    await vi.waitFor(async () => expect(await remaining(acme.team)).toBe(100_000 - 201))
    const { data } = await (await operate('GET', '/usage')).json<{ data: unknown[] }>()
    expect(data).toMatchObject([{ hits: 200, generations: 1 }])
    expect(upstream.calls).toHaveLength(1)
  })

  test('stays within its limit', async () => {
    const { key, statuses } = await busy({ requests_per_day: 251 }, 300)
    // On a slow machine a lease ends early, and its rest returns to the team.
    await vi.waitUntil(async () => {
      statuses.push((await ask(key)).status)
      return counted(statuses)[200] === 250
    })
    for (let more = 0; more < 20; more++) expect((await ask(key)).status).toBe(429)
  })

  test.each<[string, number, (acme: TestTeam) => Promise<Response>]>([
    ['it is revoked', 401, (acme) => operate('DELETE', `/teams/${acme.team}/keys/${acme.id}`)],
    ['its team is deleted', 401, (acme) => operate('DELETE', `/teams/${acme.team}`)],
    [
      'its limit is lowered',
      429,
      (acme) => operate('PATCH', `/teams/${acme.team}`, { limits: { requests_per_day: 1 } }),
    ],
    [
      'its models are changed',
      403,
      (acme) => operate('PATCH', `/teams/${acme.team}/keys/${acme.id}`, { limits: { models: [] } }),
    ],
  ])('is refused from the next request on when %s', async (_, status, change) => {
    const acme = await busy({}, 60)
    await change(acme)
    expect((await ask(acme.key)).status).toBe(status)
  })
})

/** Has leases last a twentieth of their time. The returned function counts the ended ones. */
function shortLeases(): () => number {
  const { setTimeout } = globalThis
  let ends = 0
  vi.spyOn(globalThis, 'setTimeout').mockImplementation((call, ms = 0) => {
    if (ms !== LEASE_MS) return setTimeout(call, ms)
    const end = (): void => {
      call()
      ends += 1
    }
    return setTimeout(end, ms / 20)
  })
  return () => ends
}

test('a test has neither the leases of an earlier one nor their counts', async () => {
  const ends = shortLeases()
  await ask(KEY)
  await Promise.all(Array.from({ length: 20 }, () => ask(KEY)))
  await deleteObjects()
  expect((await ask(KEY, {}, { 'cache-control': 'no-store' })).status).toBe(200)
  await vi.waitUntil(() => ends() > 0)
  const { data } = await (await operate('GET', '/usage')).json<{ data: unknown[] }>()
  expect(data).toMatchObject([{ hits: 0, generations: 1 }])
})
