import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { GatewayError, ok } from '../../src/failures/errors'
import { NO_DAY } from '../../src/ledger/changed-days'
import { Accounting, type LimitedKey } from '../../src/team/accounting'
import { DirectorySums } from '../../src/team/directory-sums'
import { SumsGatherer } from '../../src/team/gather-sums'
import { STATIC_KEY } from '../../src/team/keys'
import { OrderQueue } from '../../src/team/order-queue'
import { Orders } from '../../src/team/orders'
import { NodeStorage } from '../support/node-storage'

const NOON = Date.UTC(2096, 10, 20, 12)
const DAY = 86_400_000
const ALL = { from: '', to: NO_DAY }

/** One thing that happens to a team or to its directory. */
type Step =
  | { is: 'reserve' | 'settle'; run: number }
  | { is: 'time'; ms: number }
  | { is: 'expire' | 'hit' | 'gather' | 'gather twice' | 'lose an answer' | 'lose a part' }

const anyOf = <Item>(...items: Item[]): fc.Arbitrary<Item> => fc.constantFrom(...items)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ is: anyOf('reserve' as const, 'settle' as const), run: fc.nat(3) }),
  fc.record({ is: fc.constant('time' as const), ms: anyOf(90_000, DAY, 3 * DAY, -DAY) }),
  fc.record({
    is: anyOf(
      'expire' as const,
      'hit' as const,
      'gather' as const,
      'gather twice' as const,
      'lose an answer' as const,
      'lose a part' as const,
    ),
  }),
)

const limitedKeyOf = (id: string): LimitedKey => ({ key: { ...STATIC_KEY, id }, teamLimits: {} })
const keyLimits = { limitedKeyOf, refuseDisallowed: (): undefined => undefined }

/** A team and the directory, with steps taken one after the other. */
class World {
  readonly #accounting: Accounting
  readonly #orders: Orders
  readonly #sums: DirectorySums
  readonly #gatherer: SumsGatherer
  #answersLeft = Infinity
  #nowMs = NOON

  constructor() {
    const [storage, directory] = [new NodeStorage(), new NodeStorage()]
    this.#accounting = new Accounting(storage)
    this.#accounting.createTables()
    const queue = new OrderQueue(storage.sql)
    queue.createTables()
    this.#orders = new Orders({ storage, accounting: this.#accounting, queue, keyLimits })
    directory.sql.exec("CREATE TABLE teams (id TEXT, created_ms INTEGER); INSERT INTO teams VALUES ('acme', 1);")
    this.#sums = new DirectorySums(directory)
    this.#sums.createTables()
    this.#gatherer = new SumsGatherer(this.#sums, async (_, question) => {
      const part = this.#accounting.usage.changed(question, 1)
      if (this.#answersLeft-- <= 0) throw new GatewayError({ code: 'unavailable', message: 'The call is lost.' })
      return ok(part)
    })
  }

  async take(taken: Step): Promise<void> {
    if (taken.is === 'time') this.#nowMs += taken.ms
    if (taken.is === 'reserve') this.#orders.ask(orderOfRun(taken.run), false, this.#nowMs)
    if (taken.is === 'settle')
      this.#orders.settle({ id: `run_${taken.run}`, cost: 700, images: [], attempts: 1 }, this.#nowMs)
    if (taken.is === 'expire') this.#accounting.expire(limitedKeyOf, this.#nowMs)
    if (taken.is === 'hit') this.#accounting.countFree('key_a', [{ ...FREE }], this.#nowMs)
    this.#mark()
    if (taken.is === 'gather') await this.gather(['acme'])
    if (taken.is === 'gather twice') await this.gather(['acme', 'acme'])
    if (taken.is === 'lose an answer') await this.#gatherLosing(0)
    if (taken.is === 'lose a part') await this.#gatherLosing(1)
  }

  /** Has the directory ask, and compares its sums with those of the team. */
  async gather(teams: string[]): Promise<void> {
    expect(await this.#gatherer.gather(teams)).toBeUndefined()
    const own = this.#accounting.usage.of(ALL).rows.map((row) => ({ ...row, team: 'acme' }))
    expect(this.#sums.page(ALL, 1000, undefined)).toEqual(own)
    expect(this.#sums.waiting()).toEqual([])
  }

  async #gatherLosing(afterParts: number): Promise<void> {
    this.#answersLeft = afterParts
    await this.#gatherer.gather(['acme'])
    this.#answersLeft = Infinity
  }

  #mark(): void {
    const epoch = this.#accounting.changes.unmarked
    if (epoch === undefined) return
    this.#sums.mark('acme', epoch)
    this.#accounting.changes.marked(epoch)
  }
}

const FREE = { model: 'gpt-image-2', upstream: 'openai', hits: 1, joins: 0, saved: 700 }

const orderOfRun = (run: number): Parameters<Orders['ask']>[0] => ({
  id: `run_${run}`,
  generation: `gen_${run}`,
  request: 'req_1',
  key: run === 0 ? 'key_b' : 'key_a',
  model: 'gpt-image-2',
  operation: 'generate',
  prompt: 'A cat',
  images: 1,
  size: '1024x1024',
  quote: 1000,
  holdMs: 60_000,
})

test("the directory's sums are those of the team after each question, whatever changed and was lost before", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
      const world = new World()
      for (const each of steps) await world.take(each)
      await world.gather(['acme'])
    }),
    { numRuns: 150 },
  )
})

test('a run that expired and is reserved again leaves no row behind', async () => {
  const world = new World()
  const steps = ['reserve', 'time', 'expire', 'gather', 'reserve', 'gather'] as const
  for (const is of steps)
    await world.take(is === 'time' ? { is, ms: 90_000 } : is === 'reserve' ? { is, run: 1 } : { is })
})
