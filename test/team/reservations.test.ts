import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { ringTeam } from '../support/alarms'
import { audit, limitStatus, used } from '../support/accounting'
import {
  at,
  balance,
  type Balance,
  EMPTY,
  FAILED,
  HOUR,
  LIMITS,
  NOON,
  orderOf,
  reserve,
  settle,
  settled,
} from '../support/orders'
import { operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

describe('a reservation', () => {
  test('holds its quote and its pictures, until the settlement corrects both', async () => {
    at(NOON)
    const acme = await team('acme', LIMITS)
    expect(await balance()).toEqual(EMPTY)
    await reserve(orderOf(acme))
    expect(await balance()).toEqual({ money: 1000, images: 2, running: 1, statuses: ['running'] })
    await settle(settled())
    expect(await balance()).toEqual({ money: 700, images: 1, running: 0, statuses: ['succeeded'] })
  })

  test.each([
    ['models', { models: ['relay-1'] }, 'forbidden_model'],
    ['max_n', { max_n: 1 }, 'invalid_request'],
    ['max_size', { max_size: '512x512' }, 'unsupported_parameter'],
  ])('is refused by a limit of %s set after the request was admitted', async (_, changed, code) => {
    const acme = await team('acme')
    await operate('PATCH', '/teams/acme', { limits: changed })
    const refused = await env.TEAMS.getByName('acme').reserve(orderOf(acme), false)
    expect(refused).toMatchObject({ ok: false, failure: { code } })
  })

  test('that expired has its deletion and its payment at a late settlement', async () => {
    at(NOON)
    const acme = await team('acme', LIMITS)
    await reserve(orderOf(acme, { holdMs: NOON + 1 - Date.now() }))
    at(NOON + HOUR)
    await ringTeam('acme')
    await env.TEAMS.getByName('acme').discard('run_1', [], NOON)
    const key = 'images/gen_1/1-0.png'
    await env.IMAGES.put(key, 'a picture')
    await settle(settled({ images: [key] }))
    expect([await env.IMAGES.head(key), (await balance()).money]).toEqual([null, 700])
  })

  test('with a cost of zero is released whole', async () => {
    at(NOON)
    await reserve(orderOf(await team('acme', LIMITS)))
    await settle(FAILED)
    expect(await balance()).toEqual({ ...EMPTY, statuses: ['failed'] })
  })

  test('is held once for repeated calls', async () => {
    at(NOON)
    const order = orderOf(await team('acme', { ...LIMITS, concurrency: 1 }))
    const answers = await Promise.all(Array.from({ length: 20 }, () => reserve(order)))
    expect(answers).toEqual(Array.from({ length: 20 }, () => ({ ok: true, value: undefined })))
    expect(await balance()).toEqual({ money: 1000, images: 2, running: 1, statuses: ['running'] })
  })

  test('is not held again after its settlement', async () => {
    at(NOON)
    const order = orderOf(await team('acme', LIMITS))
    await reserve(order)
    await settle(settled())
    await reserve(order)
    expect(await balance()).toEqual({ money: 700, images: 1, running: 0, statuses: ['succeeded'] })
  })

  test('of a dead run is released by the alarm, and not before its time', async () => {
    at(NOON)
    await reserve(orderOf(await team('acme', LIMITS)))
    at(NOON + HOUR - 1)
    await ringTeam('acme')
    expect(await balance()).toEqual({ money: 1000, images: 2, running: 1, statuses: ['running'] })
    at(NOON + HOUR)
    expect(await ringTeam('acme')).toBe(true)
    expect(await balance()).toEqual({ ...EMPTY, statuses: ['expired'] })
    const stub = env.TEAMS.getByName('acme')
    // The next one is for the archive.
    expect(await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).toBe(NOON + 7 * 24 * HOUR)
  })

  test('with a later expiry is released in its turn', async () => {
    at(NOON)
    const acme = await team('acme', LIMITS)
    await reserve(orderOf(acme, { id: 'run_late', holdMs: NOON + 2 * HOUR - Date.now(), quote: 50 }))
    await reserve(orderOf(acme, { id: 'run_soon' }))
    at(NOON + HOUR)
    await ringTeam('acme')
    expect(await balance()).toMatchObject({ money: 50, running: 1 })
    at(NOON + 2 * HOUR)
    expect(await ringTeam('acme')).toBe(true)
    expect(await balance()).toMatchObject({ money: 0, running: 0 })
  })

  test('is refused to a revoked key, whatever its team allows', async () => {
    at(NOON)
    const acme = await team('acme', LIMITS)
    await env.TEAMS.getByName('acme').revokeKey(acme.id)
    expect(await reserve(orderOf(acme))).toMatchObject({ ok: false, failure: { code: 'unauthorized' } })
    expect(await balance()).toEqual(EMPTY)
  })
})

describe('a settlement', () => {
  const expire = async (): Promise<void> => {
    at(NOON + HOUR)
    await ringTeam('acme')
  }

  test.each<[string, (() => Promise<unknown>)[], Omit<Balance, 'running'>]>([
    ['twice', [() => settle(settled()), () => settle(settled())], { money: 700, images: 1, statuses: ['succeeded'] }],
    [
      'then another',
      [() => settle(settled()), () => settle(FAILED)],
      { money: 700, images: 1, statuses: ['succeeded'] },
    ],
    ['after a failure', [() => settle(FAILED), () => settle(settled())], { money: 0, images: 0, statuses: ['failed'] }],
    ['before expiry', [() => settle(settled()), expire], { money: 700, images: 1, statuses: ['succeeded'] }],
    ['after expiry', [expire, () => settle(settled())], { money: 700, images: 1, statuses: ['succeeded'] }],
    [
      'after expiry, twice',
      [expire, () => settle(settled()), () => settle(settled())],
      { money: 700, images: 1, statuses: ['succeeded'] },
    ],
    [
      'between two expiries',
      [expire, () => settle(settled()), expire],
      { money: 700, images: 1, statuses: ['succeeded'] },
    ],
    ['of a failure after expiry', [expire, () => settle(FAILED)], { money: 0, images: 0, statuses: ['failed'] }],
  ])('%s counts once', async (_, steps, expected) => {
    at(NOON)
    await reserve(orderOf(await team('acme', LIMITS)))
    for (const step of steps) await step()
    expect(await balance()).toEqual({ ...expected, running: 0 })
  })

  test('without a reservation changes nothing', async () => {
    await team('acme', LIMITS)
    await settle(settled())
    expect(await balance()).toEqual(EMPTY)
  })

  test('above the quote is spent in full, with the excess in the ledger', async () => {
    at(NOON)
    await reserve(orderOf(await team('acme', { ...LIMITS, budget_usd: 0.001 })))
    await settle(settled({ cost: 1700 }))
    expect(await used('acme')).toBe(1700)
    expect(await audit('acme')).toMatchObject([{ cost_usd: 0.0017, reserved_usd: 0.001, quote_error_usd: 0.0007 }])
    expect(await limitStatus('acme', 'budget_usd')).toMatchObject({ remaining: 0 })
  })

  test('counts for the paying key and its team', async () => {
    at(NOON)
    const acme = await team('acme', LIMITS)
    await reserve(orderOf(acme))
    await settle(settled())
    await env.TEAMS.getByName('acme').changeKey(acme.id, { limits: { budget_usd: 0.001 } })
    const refused = { ok: false, failure: { code: 'budget_exhausted', message: expect.stringContaining('this key') } }
    expect(await reserve(orderOf(acme, { id: 'run_2', quote: 301 }))).toMatchObject(refused)
    expect(await reserve(orderOf(acme, { id: 'run_3', quote: 300 }))).toMatchObject({ ok: true })
  })
})
