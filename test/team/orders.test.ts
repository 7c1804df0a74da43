import { expect, test } from 'vitest'
import type { Order } from '../../src/ledger/entry'
import type { Limits } from '../../src/limits/limits'
import { Accounting, type LimitedKey } from '../../src/team/accounting'
import { STATIC_KEY } from '../../src/team/keys'
import { OrderQueue } from '../../src/team/order-queue'
import { Orders } from '../../src/team/orders'
import { NodeStorage } from '../support/node-storage'
import { HOLD_MS, orderNumbered } from '../support/order-steps'
import { OrderWorld, type WorldStep } from '../support/order-world'

const NOON = Date.UTC(2096, 10, 20, 12)

/** A world with an order for each quote, all of one key. */
function worldOf(quotes: readonly number[], team: Limits, key: Limits = {}): OrderWorld {
  const orders = quotes.map((quote, index) => orderNumbered(index, { key: 'key_a', images: 1, quote }))
  return new OrderWorld(orders, { team, keys: { key_a: key }, revoked: [] })
}

const asked = (run: number, mayWait = true): WorldStep => ({ is: 'ask', run, mayWait, reply: 'heard' })
const ended = (run: number): WorldStep => ({ is: 'settle', run, share: 1, reply: 'heard' })

const rows = ({ state }: OrderWorld): [string, 'waits' | 'called'][] =>
  state.queue.map(({ id, verdict }) => [id, verdict === null ? 'waits' : 'called'])
const running = ({ state }: OrderWorld): string[] =>
  state.ledger.filter(({ status }) => status === 'running').map(({ id }) => id)

test('a late confirmation of a verdict that has expired ends neither the wait nor a later verdict', () => {
  const world = worldOf([10, 10, 10], { concurrency: 1 })
  for (const step of [asked(0), asked(1), ended(0)]) world.take(step)
  world.take({ is: 'send' })
  expect(rows(world)).toEqual([['run_1', 'called']])
  world.take({ is: 'time', ms: HOLD_MS })
  world.take({ is: 'alarm' })
  world.take(asked(2))
  expect(running(world)).toEqual(['run_2'])
  world.take(asked(1))
  expect(rows(world)).toEqual([['run_1', 'waits']])
  world.take({ is: 'deliver', message: 0, fate: 'doubled' })
  expect(rows(world)).toEqual([['run_1', 'waits']])
  world.take(ended(1))
  expect([running(world), rows(world)]).toEqual([['run_1'], [['run_1', 'called']]])
  world.take({ is: 'deliver', message: 0, fate: 'heard' })
  expect(rows(world)).toEqual([['run_1', 'called']])
})

test('an order that gives up its place by a request lets the orders behind it in at once', () => {
  const world = worldOf([50, 50, 10], {}, { budget_usd: 0.000_06 })
  for (const step of [asked(0), asked(1), asked(2)]) world.take(step)
  expect([running(world), rows(world).length]).toEqual([['run_0'], 2])
  world.take(asked(1, false))
  expect([running(world), rows(world)]).toEqual([['run_0', 'run_2'], [['run_2', 'called']]])
})

test('a request for a running order holds its money for longer', () => {
  const world = worldOf([10], {})
  world.take(asked(0))
  world.take({ is: 'time', ms: HOLD_MS })
  world.take(asked(0))
  world.take({ is: 'alarm' })
  expect(running(world)).toEqual(['run_0'])
})

test('a settlement reads as many rows with 3000 waiting orders as with 3', () => {
  const rowsRead = [3, 3000].map((count) => {
    const storage = new NodeStorage()
    const [accounting, queue] = [new Accounting(storage), new OrderQueue(storage.sql)]
    for (const part of [accounting, queue]) part.createTables()
    const limitedKeyOf = (id: string): LimitedKey => ({ key: { ...STATIC_KEY, id }, teamLimits: { concurrency: 1 } })
    const keyLimits = { limitedKeyOf, refuseDisallowed: (): undefined => undefined }
    const orders = new Orders({ storage, accounting, queue, keyLimits })
    const numbered = (run: number): Order => orderNumbered(run, { key: 'key_a', images: 1, quote: 10 })
    orders.ask(numbered(0), true, NOON)
    for (let run = 1; run <= count; run++) queue.enqueue(numbered(run))
    const before = storage.rowsRead
    orders.settle({ id: 'run_0', cost: 10, images: [], attempts: 1, upstream: undefined }, NOON)
    expect(queue.find('run_1')).toMatchObject({ verdict: {} })
    return storage.rowsRead - before
  })
  expect(rowsRead[1]).toBe(rowsRead[0])
})
