import { evictAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Cursor, Order, Settlement } from '../../src/ledger/entry'
import { Accounting, type LimitedKey } from '../../src/team/accounting'
import { STATIC_KEY } from '../../src/team/keys'
import { OrderQueue } from '../../src/team/order-queue'
import { Orders } from '../../src/team/orders'
import { ringTeam } from '../support/alarms'
import { errorOf } from '../support/gateway'
import { addEntries } from '../support/many-entries'
import { at, NOON, orderOf, reserve, settle, settled } from '../support/orders'
import { ask, operate, team, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

const SUMS = [
  'generations',
  'failures',
  'images',
  'input_tokens',
  'output_tokens',
  'cost',
  'estimated',
  'unpriced',
  'latency_ms',
]

/** The sums by a scan of the whole ledger. */
const SCAN = `
  SELECT date(started_ms / 1000, 'unixepoch') AS day, key, model, coalesce(upstream, '') AS upstream,
    count(*) AS generations, sum(status NOT IN ('succeeded', 'cancelled')) AS failures, sum(images) AS images,
    sum(coalesce(input_tokens, 0)) AS input_tokens, sum(coalesce(output_tokens, 0)) AS output_tokens,
    sum(coalesce(cost, 0)) AS cost, sum(estimated) AS estimated, sum(cost IS NULL) AS unpriced,
    sum(iif(status = 'succeeded' AND operation <> 'text', ended_ms - started_ms, 0)) AS latency_ms
  FROM ledger WHERE status <> 'running' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`

const scanned = ({ sql }: DurableObjectStorage): unknown => sql.exec(SCAN).toArray()
const summed = ({ sql }: DurableObjectStorage): unknown =>
  sql.exec(`SELECT day, key, model, upstream, ${SUMS.join(', ')} FROM days ORDER BY 1, 2, 3, 4`).toArray()

/** The ledger as an earlier version leaves it. */
function withoutSums({ sql, kv }: DurableObjectStorage): void {
  sql.exec('DROP TABLE days')
  kv.delete('unsummed')
}

/** One thing that happens to a ledger. */
type Step =
  | { is: 'reserve' | 'discard'; run: number; key: string }
  | { is: 'settle'; run: number; settlement: Omit<Settlement, 'id'> }
  | { is: 'time'; ms: number }
  | { is: 'expire' | 'downgrade' | 'sum' }

const anyOf = <Item>(...items: Item[]): fc.Arbitrary<Item> => fc.constantFrom(...items)
const run = fc.nat(5)
const settlement: fc.Arbitrary<Omit<Settlement, 'id'>> = fc.record({
  failure: anyOf(undefined, undefined, 'upstream_failed' as const, 'cancelled' as const),
  cost: anyOf(undefined, 0, 700, 40_000),
  estimated: anyOf(undefined, 0, 300),
  images: anyOf([], ['images/gen_1/a-0.png'], ['images/gen_1/a-0.png', 'images/gen_1/a-1.png']),
  attempts: fc.constant(1),
  upstream: anyOf(undefined, { name: 'openai', account: 0, model: 'm' }, { name: 'relay', account: 0, model: 'm' }),
  usage: anyOf(undefined, { input: 5, output: 196, total: 201 }),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ is: anyOf('reserve' as const), run, key: anyOf('key_a', 'key_b') }),
  fc.record({ is: fc.constant('settle' as const), run, settlement }),
  fc.record({ is: anyOf('time' as const), ms: anyOf(1, 90_000, 3_600_000, 86_400_000, -7_200_000) }),
  fc.record({ is: anyOf('expire' as const, 'discard' as const), run, key: fc.constant('key_a') }),
  fc.record({ is: anyOf('sum' as const, 'sum' as const, 'downgrade' as const) }),
)

const limitedKeyOf = (id: string): LimitedKey => ({ key: { ...STATIC_KEY, id }, teamLimits: {} })
const keyLimits = { limitedKeyOf, refuseDisallowed: (): undefined => undefined }

/** An accounting with steps taken one after the other. */
class Played {
  readonly #storage: DurableObjectStorage
  readonly accounting: Accounting
  readonly #orders: Orders
  #nowMs = NOON

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.accounting = new Accounting(storage)
    for (const [name] of storage.kv.list()) storage.kv.delete(name)
    for (const table of ['ledger', 'days', 'free']) storage.sql.exec(`DROP TABLE IF EXISTS ${table}`)
    this.accounting.createTables()
    const queue = new OrderQueue(storage.sql)
    this.#orders = new Orders({ storage, accounting: this.accounting, queue, keyLimits })
  }

  take(taken: Step): void {
    const { ledger } = this.accounting
    if (taken.is === 'time') this.#nowMs += taken.ms
    if (taken.is === 'expire') this.accounting.expire(limitedKeyOf, this.#nowMs)
    if (taken.is === 'reserve') this.#orders.ask(orderOfRun(taken), false, this.#nowMs)
    if (taken.is === 'settle') this.#orders.settle({ id: `run_${taken.run}`, ...taken.settlement }, this.#nowMs)
    if (taken.is === 'discard') ledger.discard(`run_${taken.run}`, ['images/gen_1/a-0.png'], this.#nowMs)
    if (taken.is === 'sum') ledger.sums.sumSome(2)
    if (taken.is === 'downgrade') this.#downgrade()
  }

  /** Has the sums to be made anew, from the newest entry on. */
  #downgrade(): void {
    const { sql, kv } = this.#storage
    const { ms } = sql.exec<{ ms: number | null }>('SELECT max(started_ms) AS ms FROM ledger').one()
    sql.exec('DELETE FROM days')
    if (ms !== null) kv.put<Cursor>('unsummed', { ms: ms + 1, id: '' })
  }
}

const orderOfRun = ({ run: number, key }: { run: number; key: string }): Order => ({
  ...orderOf({ id: key, key }),
  id: `run_${number}`,
  operation: number === 5 ? 'text' : 'generate',
  // Its quote is booked if no settlement comes.
  isAsked: number % 2 === 0,
})

test('the sums of the days are those of the ledger, in any order of reserving, settling and expiring', async () => {
  await team('acme')
  await runInDurableObject(env.TEAMS.getByName('acme'), (_, { storage }) => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
        const played = new Played(storage)
        for (const each of steps) played.take(each)
        while (played.accounting.ledger.sums.isBehind) played.take({ is: 'sum' })
        expect(summed(storage)).toEqual(scanned(storage))
      }),
      { numRuns: 150 },
    )
  })
})

const stub = (): DurableObjectStub<import('../../src').Team> => env.TEAMS.getByName('acme')

describe('the ledger of an earlier version', () => {
  test('is summed when its team is first called', async () => {
    const { key } = await team('acme')
    await ask(key)
    await ask(key, { prompt: 'A cat @fault=500' })
    const before = await (await visit(key, '/v1/usage')).json<{ data: unknown; totals: unknown }>()
    await runInDurableObject(stub(), (_, { storage }) => withoutSums(storage))
    await evictAllDurableObjects()
    expect(await (await visit(key, '/v1/usage')).json()).toMatchObject({ data: before.data, totals: before.totals })
  })

  test('with many entries is summed by the alarm, the newest days first', async () => {
    at(NOON)
    const acme = await team('acme')
    await reserve(orderOf(acme))
    await settle(settled({ images: [] }))
    await addEntries('acme', 2500, 200_000)
    await runInDurableObject(stub(), (_, { storage }) => withoutSums(storage))
    await evictAllDurableObjects()
    const day = new Date(NOON).toISOString().slice(0, 10)
    const month = `${day.slice(0, 7)}-01`
    expect((await visit(acme.key, `/v1/usage?from=${day}`)).status).toBe(200)
    const early = await visit(acme.key, `/v1/usage?from=${month}`)
    expect([early.headers.get('retry-after'), await errorOf(early)]).toMatchObject(['10', { status: 503 }])
    expect((await operate('GET', `/usage?from=${month}&to=${day}`)).status).toBe(503)
    expect(await ringTeam('acme')).toBe(true)
    const { totals } = await (await visit(acme.key, `/v1/usage?from=${month}`)).json<{ totals: unknown }>()
    const { generations } = await runInDurableObject(stub(), (_, { storage }) => {
      expect(summed(storage)).toEqual(scanned(storage))
      return storage.sql.exec('SELECT sum(generations) AS generations FROM days WHERE day >= ?', month).one()
    })
    expect(totals).toMatchObject({ generations, cost_usd: Number(generations) * 0.0007 })
  })
})
