import { describe, expect, test, vi } from 'vitest'
import { joined } from '../support/joining'
import { holdReservations } from '../support/reservations'
import { ask, issue, operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const seen = async (response: Response): Promise<[number, string | null]> => {
  await response.arrayBuffer()
  return [response.status, response.headers.get('x-cache')]
}

describe.each([
  ['no images of the day', { images_per_day: 0 }],
  ['a concurrency of 0', { concurrency: 0 }],
  ['no money', { budget_usd: 0 }],
])('a key that has %s', (_, limits) => {
  test('is refused, and a simultaneous request of another key gets its image', async () => {
    const { key } = await team('acme')
    const poor = await issue('acme', { limits })
    const { waiting, release } = holdReservations()
    const starter = ask(poor.key)
    await vi.waitUntil(() => waiting() === 1)
    const { begun: joiners } = await joined(() => [ask(key), ask(key)], 2)
    release()
    expect(await seen(await starter)).toEqual([429, null])
    const answers = await Promise.all(joiners.map(async (joiner) => seen(await joiner)))
    expect(answers.map(([status]) => status)).toEqual([200, 200])
    expect(new Set(answers.map(([, cache]) => cache))).toEqual(new Set(['MISS', 'JOINED']))
    expect(upstream.calls).toHaveLength(1)
  })

  test('shares its refusal with its own requests alone', async () => {
    await team('acme')
    const poor = await issue('acme', { limits })
    const asked = Array.from({ length: 4 }, async () => seen(await ask(poor.key)))
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 4 }, () => [429, null]))
    expect(upstream.calls).toHaveLength(0)
  })

  test('joins a run of another key for free, and finds the image later', async () => {
    const { key } = await team('acme')
    const poor = await issue('acme', { limits })
    const first = ask(key, { prompt: 'A cat @delay=300' })
    await vi.waitUntil(() => upstream.calls.length === 1)
    const joined = await ask(poor.key, { prompt: 'A cat @delay=300' })
    expect([joined.headers.get('x-cache'), joined.headers.get('x-cost-usd')]).toEqual(['JOINED', '0.000000'])
    expect(await seen(await first)).toEqual([200, 'MISS'])
    expect(await seen(await ask(poor.key, { prompt: 'A cat @delay=300' }))).toEqual([200, 'HIT'])
  })
})

test('the request that starts a run pays, and joined ones have its price as savings', async () => {
  const { key, id } = await team('acme')
  const other = await issue('acme')
  const answers = await Promise.all([key, other.key, other.key].map((each) => ask(each, { prompt: 'A cat @delay=50' })))
  const paid = answers.map(({ headers }) => Number(headers.get('x-cost-usd')))
  const [cost = 0] = paid.filter((each) => each > 0)
  expect(paid.filter((each) => each === 0)).toHaveLength(2)
  const rows = await vi.waitFor(async () => {
    const { data } = await (await operate('GET', '/usage')).json<{ data: Record<string, unknown>[] }>()
    expect(data).toHaveLength(2)
    return data
  })
  const payer = paid[0] === cost ? id : other.id
  expect(rows.find(({ key: who }) => who === payer)).toMatchObject({ generations: 1, cost_usd: cost })
  expect(rows.reduce((sum, { joins }) => sum + Number(joins), 0)).toBe(2)
  expect(rows.reduce((sum, { saved_usd }) => sum + Number(saved_usd), 0)).toBeCloseTo(2 * cost, 6)
})
