import * as fc from 'fast-check'
import type { Order } from '../../src/ledger/entry'
import type { Limits } from '../../src/limits/limits'
import { KEYS, type WorldLimits, type WorldStep } from './order-world'

const RUNS = 8
export const HOLD_MS = 300_000

const anyOf = <Item>(...items: Item[]): fc.Arbitrary<Item> => fc.constantFrom(...items)

/** Limits that a few runs reach. Budgets are a few quotes of micro-USD. */
const limits: fc.Arbitrary<Limits> = fc.record({
  concurrency: anyOf(1, 1, 2, 2, 3, null),
  images_per_day: anyOf(null, null, null, 6, 10),
  budget_usd: anyOf(null, null, 0.000_06, 0.000_12),
  max_queued: anyOf(null, null, null, 0, 2),
})

export const worldLimits: fc.Arbitrary<WorldLimits> = fc.record({
  team: limits,
  keys: fc.dictionary(anyOf(...KEYS), limits, { maxKeys: 3 }),
  revoked: anyOf([], [], [], ['key_c']),
})

/** An order of a world by its number. */
export const orderNumbered = (index: number, more: Pick<Order, 'key' | 'images' | 'quote'>): Order => ({
  ...more,
  id: `run_${index}`,
  generation: `gen_${index}`,
  request: `req_${index}`,
  model: 'gpt-image-2',
  operation: 'generate',
  prompt: 'A cat',
  size: '1024x1024',
  holdMs: HOLD_MS,
})

const asked = fc.record({ key: anyOf(...KEYS), images: anyOf(1, 2, 3), quote: anyOf(10, 50), isAsked: fc.boolean() })

export const orders: fc.Arbitrary<Order[]> = fc
  .array(asked, { minLength: RUNS, maxLength: RUNS })
  .map((all) => all.map((each, index) => orderNumbered(index, each)))

const run = fc.nat(RUNS - 1)
const reply = anyOf('heard' as const, 'heard' as const, 'lost' as const)
const is = <Name extends string>(name: Name): fc.Arbitrary<Name> => fc.constant(name)
const fate = anyOf('heard' as const, 'heard' as const, 'lost' as const, 'unconfirmed' as const, 'doubled' as const)

const event = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ is: is('ask'), run, mayWait: anyOf(true, true, true, false), reply }),
  },
  { weight: 2, arbitrary: fc.record({ is: is('withdraw'), run, reply }) },
  { weight: 5, arbitrary: fc.record({ is: is('settle'), run, share: anyOf(0, 0.5, 1), reply }) },
  { weight: 4, arbitrary: fc.record({ is: is('send') }) },
  { weight: 4, arbitrary: fc.record({ is: is('deliver'), message: fc.nat(5), fate }) },
  { weight: 1, arbitrary: fc.record({ is: is('alarm') }) },
  { weight: 1, arbitrary: fc.record({ is: is('crash') }) },
  { weight: 1, arbitrary: fc.record({ is: is('time'), ms: anyOf(1, 60_000, HOLD_MS) }) },
  { weight: 1, arbitrary: fc.record({ is: is('limits'), limits: worldLimits }) },
)

const dies = fc.oneof({ weight: 11, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat(4) })

/** A step in which the process dies now and then, after a few writes. */
const step: fc.Arbitrary<WorldStep> = fc
  .tuple(event, dies)
  .map(([each, writes]) => (writes === undefined ? each : { ...each, dies: writes }))

export const steps = fc.array(step, { minLength: 25, maxLength: 50, size: 'max' })
