import { describe, expect, test } from 'vitest'
import { ringTeam } from '../support/alarms'
import type { Order } from '../../src/ledger/entry'
import { audit, limitStatus, ownUsage, used } from '../support/accounting'
import { at, balance, EMPTY, FAILED, HOUR, LIMITS, NOON, orderOf, reserve, settle, settled } from '../support/orders'
import { issue, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

describe('an expired run that goes on', () => {
  test('holds its money again and releases it again', async () => {
    at(NOON)
    const acme = await team('acme', LIMITS)
    await reserve(orderOf(acme))
    at(NOON + HOUR)
    await ringTeam('acme')
    await reserve(orderOf(acme, { holdMs: NOON + 2 * HOUR - Date.now() }))
    expect(await balance()).toEqual({ money: 1000, images: 2, running: 1, statuses: ['running'] })
    at(NOON + 2 * HOUR)
    expect(await ringTeam('acme')).toBe(true)
    expect(await balance()).toEqual({ ...EMPTY, statuses: ['expired'] })
  })

  test('counts for the day and the month in which it went on', async () => {
    at(Date.UTC(2096, 10, 30, 23, 59))
    const acme = await team('acme', LIMITS)
    await reserve(orderOf(acme, { holdMs: Date.UTC(2096, 11, 1) - Date.now() }))
    at(Date.UTC(2096, 11, 1, 1))
    await ringTeam('acme')
    await reserve(orderOf(acme, { holdMs: Date.UTC(2096, 11, 1, 2) - Date.now() }))
    expect(await balance()).toMatchObject({ money: 1000, images: 2 })
    await settle(settled())
    expect(await balance()).toMatchObject({ money: 700, images: 1 })
  })
})

describe('a run reserved before midnight and settled after it', () => {
  const BEFORE = Date.UTC(2096, 10, 29, 23, 59)

  test("leaves the new day's pictures alone, and counts in the month", async () => {
    at(BEFORE)
    await reserve(orderOf(await team('acme', LIMITS), { holdMs: BEFORE + HOUR - Date.now() }))
    at(BEFORE + 120_000)
    expect(await balance()).toMatchObject({ money: 1000, images: 0, running: 1 })
    await settle(settled())
    expect(await balance()).toMatchObject({ money: 700, images: 0, running: 0 })
  })

  test('in another month leaves the new budget alone, and stays in the ledger', async () => {
    at(BEFORE + 24 * HOUR)
    await reserve(orderOf(await team('acme', LIMITS), { holdMs: BEFORE + 26 * HOUR - Date.now() }))
    at(BEFORE + 24 * HOUR + 120_000)
    expect(await used('acme')).toBe(1000)
    await settle(settled())
    expect(await balance()).toMatchObject({ money: 0, images: 0, running: 0, statuses: ['succeeded'] })
    expect(await audit('acme')).toMatchObject([{ cost_usd: 0.0007 }])
  })

  test('takes nothing from the new day or month at a cost of zero', async () => {
    at(BEFORE + 24 * HOUR)
    const acme = await team('acme', LIMITS)
    await reserve(orderOf(acme, { holdMs: BEFORE + 26 * HOUR - Date.now() }))
    at(BEFORE + 24 * HOUR + 120_000)
    await reserve(orderOf(acme, { id: 'run_2', holdMs: BEFORE + 26 * HOUR - Date.now() }))
    await settle({ ...settled(), id: 'run_2' })
    await settle(FAILED)
    expect(await balance()).toMatchObject({ money: 700, images: 1, running: 0 })
  })
})

describe('a clock that runs back over midnight', () => {
  const MIDNIGHT = Date.UTC(2096, 11, 1)

  test('resets no spending, and neither does the second midnight', async () => {
    at(MIDNIGHT - 1000)
    const acme = await team('acme', { budget_usd: 0.001, images_per_day: 3, requests_per_day: 9 })
    const order = (id: string): Order => orderOf(acme, { id, holdMs: MIDNIGHT + HOUR - Date.now() })
    for (const [ms, id] of [
      [0, 'run_1'],
      [-1000, 'run_2'],
      [1000, 'run_3'],
    ] as const) {
      at(MIDNIGHT + ms)
      await reserve(order(id))
      await settle(settled({ id, cost: 300 }))
    }
    expect(await used('acme')).toBe(300)
    expect(await audit('acme')).toMatchObject([{ run: 'run_1' }])
    await reserve({ ...order('run_4'), quote: 700 })
    at(MIDNIGHT - 500)
    await settle(settled({ id: 'run_4', cost: 700 }))
    expect([await used('acme'), (await limitStatus('acme', 'images_per_day')).used]).toEqual([1000, 2])
    at(MIDNIGHT)
    const { totals } = await ownUsage(acme.key)
    expect(totals).toMatchObject({ generations: 2, cost_usd: 0.001 })
  })

  test('charges a key that first spends behind midnight', async () => {
    at(MIDNIGHT)
    const acme = await team('acme')
    await reserve(orderOf(acme))
    at(MIDNIGHT - 1000)
    const limited = { ...acme, ...(await issue('acme', { limits: { budget_usd: 0.001 } })) }
    for (const id of ['run_2', 'run_3']) {
      await reserve(orderOf(limited, { id, quote: 700 }))
      await settle(settled({ id }))
    }
    expect((await audit('acme')).map(({ run, cost_usd }) => [run, cost_usd])).toEqual([
      ['run_2', 0.0007],
      ['run_1', null],
    ])
  })
})
