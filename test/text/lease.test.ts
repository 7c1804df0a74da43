import { abortAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Order } from '../../src/ledger/entry'
import { TextLease } from '../../src/text/lease'
import { audit, limitStatus, used } from '../support/accounting'
import { ringGenerations, ringTeam } from '../support/alarms'
import { at, HOUR, NOON, orderOf, reserve, settle, settled } from '../support/orders'
import { operate, team, type TestTeam } from '../support/teams'
import { chat, HELLO, texts } from '../support/texts'
import { trouble } from '../support/trouble'

texts()

const QUOTE = 1000
const LEASE_MS = 45_000
const SETTLED = settled({ images: [], cost: 700 })

let acme: TestTeam
beforeEach(async () => {
  // No alarm rings by itself.
  at(NOON)
  acme = await team('acme', { concurrency: 1, budget_usd: 1 })
})

const textOrder = (more: Partial<Order> = {}): Order =>
  orderOf(acme, { operation: 'text', images: 0, quote: QUOTE, holdMs: LEASE_MS, isAsked: true, ...more })

const standing = async (): Promise<unknown[]> => {
  const [entry] = await audit('acme')
  return [entry?.status, await used('acme'), (await limitStatus('acme', 'concurrency')).used]
}

/** Lets the lease of a dead Worker lapse. */
async function lapse(): Promise<void> {
  at(NOON + LEASE_MS)
  await ringTeam('acme')
}

describe('a request for a text after the death of its Worker', () => {
  test('holds its concurrency for the lease, and is booked at its quote as an estimate', async () => {
    await reserve(textOrder())
    await lapse()
    expect(await standing()).toEqual(['expired', QUOTE, 0])
    expect(await audit('acme')).toMatchObject([{ cost_usd: QUOTE / 1e6, estimated_usd: QUOTE / 1e6 }])
  })

  test('before an upstream was asked costs nothing', async () => {
    await reserve(textOrder({ isAsked: false }))
    await lapse()
    expect(await standing()).toEqual(['expired', 0, 0])
  })

  test('without a known price has an unknown cost', async () => {
    await operate('PATCH', '/teams/acme', { limits: { concurrency: 1 } })
    await reserve(textOrder({ quote: undefined }))
    await lapse()
    expect(await audit('acme')).toMatchObject([{ status: 'expired', cost_usd: null }])
  })

  test('makes room for others even if the alarm is late', async () => {
    await reserve(textOrder())
    at(NOON + LEASE_MS)
    expect((await chat(HELLO, acme.key)).status).toBe(200)
  })
})

test('a reservation in the ledger of an earlier version expires at no cost', async () => {
  const stub = env.TEAMS.getByName('acme')
  await reserve(orderOf(acme, { holdMs: LEASE_MS }))
  await runInDurableObject(stub, (_, { storage }) => void storage.sql.exec('ALTER TABLE ledger DROP COLUMN lost_cost'))
  await abortAllDurableObjects()
  await lapse()
  expect(await standing()).toEqual(['expired', 0, 0])
})

test('a late settlement replaces the estimate', async () => {
  await reserve(textOrder())
  await lapse()
  await settle(SETTLED)
  expect(await standing()).toEqual(['succeeded', 700, 0])
  expect(await audit('acme')).toMatchObject([{ cost_usd: 700 / 1e6, estimated_usd: 0 }])
})

test('a late renewal holds the money again, once', async () => {
  await reserve(textOrder())
  await lapse()
  await reserve(textOrder())
  expect(await standing()).toEqual(['running', QUOTE, 1])
  await settle(SETTLED)
  expect(await standing()).toEqual(['succeeded', 700, 0])
})

describe('a renewal', () => {
  const lostCost = (): Promise<unknown> =>
    runInDurableObject(
      env.TEAMS.getByName('acme'),
      (_, { storage }) => storage.sql.exec('SELECT lost_cost FROM ledger').one()['lost_cost'],
    )

  /** A lease before an upstream was asked, as its team knows. */
  const waiting = async (): Promise<TextLease> => {
    const { setInterval } = globalThis
    vi.spyOn(globalThis, 'setInterval').mockImplementation((call, ms) => setInterval(call, Math.min(ms ?? 0, 20)))
    const lease = new TextLease(env, { team: 'acme', key: acme.id }, textOrder())
    await lease.take()
    await vi.waitUntil(async () => (await lostCost()) === 0)
    return lease
  }

  test('reports whether an upstream was asked: a request that waits for a slot was not', async () => {
    const lease = await waiting()
    lease.asked()
    await vi.waitUntil(async () => (await lostCost()) === QUOTE)
    await lease.end()
  })

  test('that failed is repeated at the next beat', async () => {
    const lease = await waiting()
    const told = trouble('reserve', 2)
    lease.asked()
    await vi.waitUntil(() => told.failures === 2)
    told.end()
    await vi.waitUntil(async () => (await lostCost()) === QUOTE)
    await lease.end()
  })

  test('that is under way is awaited at the end', async () => {
    const lease = await waiting()
    lease.asked()
    await lease.end()
    expect(await lostCost()).toBe(QUOTE)
  })
})

test('a settlement that the team does not confirm is made by an object, to the micro-dollar', async () => {
  const told = trouble('settle', 4)
  const response = await chat(HELLO, acme.key)
  expect(response.status).toBe(200)
  await response.text()
  await vi.waitUntil(() => told.failures === 4)
  vi.restoreAllMocks()
  at(NOON + HOUR)
  await ringTeam('acme')
  expect(await audit('acme')).toMatchObject([{ status: 'expired' }])
  await ringGenerations()
  expect(await audit('acme')).toMatchObject([{ status: 'succeeded', output_tokens: 5, estimated_usd: 0 }])
  expect((await limitStatus('acme', 'concurrency')).used).toBe(0)
})
