import { describe, expect, test } from 'vitest'
import { ringTeam } from '../support/alarms'
import { audit, used } from '../support/accounting'
import { at, balance, EMPTY, FAILED, HOUR, LIMITS, NOON, orderOf, reserve, settle, settled } from '../support/orders'
import { team } from '../support/teams'
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
