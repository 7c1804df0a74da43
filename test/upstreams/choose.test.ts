import { describe, expect, test } from 'vitest'
import { type Choice, choose } from '../../src/upstreams/choose'
import { type Health, healthAfter, NEW, afterSwitch } from '../../src/upstreams/health'

const NOW = 1_800_000_000_000

const choice = (item: string, changed: Partial<Choice<string>['upstream'] & Choice<string>> = {}): Choice<string> => {
  const { priority = 0, weight = 1, distance = 0, health = { ...NEW, proven: true } } = changed
  return { item, upstream: { priority, weight }, model: 'a-model', distance, health }
}

/** Evenly spread numbers from 0 to 1: the middles of so many equal parts. */
const grid = (parts: number): number[] => Array.from({ length: parts }, (_, at) => (at + 0.5) / parts)

/** The number of times that each order comes out over an even grid. */
function shares(choices: Choice<string>[], parts: number): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const random of grid(parts)) {
    const order = choose(choices, 'acme', NOW, random).order.join('')
    counts[order] = (counts[order] ?? 0) + 1
  }
  return counts
}

const orderOf = (choices: Choice<string>[], random = 0.5): string[] => choose(choices, 'acme', NOW, random).order

describe('an available upstream', () => {
  test.each(grid(7))('is tried in the order of priority, at any chance: %f', (random) => {
    const choices = [choice('last', { priority: 7 }), choice('first', { priority: -1 }), choice('second')]
    expect(orderOf(choices, random)).toEqual(['first', 'second', 'last'])
  })

  test.each(grid(7))('comes before a better priority that needs more adaptation: %f', (random) => {
    const choices = [choice('far', { distance: 2, priority: -5 }), choice('near', { distance: 1, priority: 9 })]
    expect(orderOf(choices, random)).toEqual(['near', 'far'])
  })

  test('comes first in proportion to its weight, to the last of 10,000 requests', () => {
    const choices = [choice('a', { weight: 1 }), choice('b', { weight: 2 }), choice('c', { weight: 7 })]
    const firsts = grid(10_000).map((random) => orderOf(choices, random)[0])
    expect(['a', 'b', 'c'].map((name) => firsts.filter((each) => each === name).length)).toEqual([1000, 2000, 7000])
  })

  test('is equally likely in each place: one chance makes all six orders of three', () => {
    const sixth = { abc: 100, acb: 100, bac: 100, bca: 100, cab: 100, cba: 100 }
    expect(
      shares(
        ['a', 'b', 'c'].map((item) => choice(item)),
        600,
      ),
    ).toEqual(sixth)
  })

  test('comes second by its weight among the rest', () => {
    const choices = [choice('a', { weight: 2 }), choice('b', { weight: 1 }), choice('c', { weight: 1 })]
    // After a (1/2), b and c are equals; after b or c (1/4 each), a has two thirds.
    expect(shares(choices, 2400)).toEqual({ abc: 600, acb: 600, bac: 400, bca: 200, cab: 400, cba: 200 })
  })

  test('is chosen by chance only among equals', () => {
    const choices = [choice('a'), choice('b'), choice('y', { priority: 1 }), choice('z', { priority: 1 })]
    expect(shares(choices, 400)).toEqual({ abyz: 100, abzy: 100, bayz: 100, bazy: 100 })
  })

  test.each([0, 1 - Number.EPSILON, 1])('is in the order once, also at the edge of chance: %f', (random) => {
    const choices = [0.1, 0.2, 0.3, 1000, 1e-9].map((weight, at) => choice(String(at), { weight }))
    expect(orderOf(choices, random).toSorted()).toEqual(['0', '1', '2', '3', '4'])
  })
})

describe('an unavailable upstream', () => {
  const after = (
    outcome: Parameters<typeof healthAfter>[1],
    health: Health = { ...NEW, proven: true },
    at = 0,
  ): Health => healthAfter(health, outcome, { model: 'a-model', payer: 'acme', request: `request-${at}` }, NOW)
  const failing = Array.from({ length: 5 }).reduce<Health>(
    (health, _, at) => after({ is: 'unavailable' }, health, at),
    NEW,
  )

  test.each<[string, Health, number]>([
    ['cooling', after({ is: 'throttled', retryAfterMs: 30_000 }), NOW + 30_000],
    ['open', failing, NOW + 30_000],
    ['disabled', after({ is: 'misconfigured', ofModel: false, status: 401 }), NOW + 300_000],
    ['without-model', after({ is: 'misconfigured', ofModel: true }), NOW + 300_000],
    ['out', afterSwitch(NEW, false, NOW), Infinity],
    ['probing', { ...NEW, probingUntilMs: NOW + 2000 }, NOW + 2000],
  ])('is passed over as %s, with the end of that state', (reason, health, untilMs) => {
    const { order, passedOver } = choose([choice('bad', { health, priority: -1 }), choice('good')], 'acme', NOW, 0.5)
    expect(order).toEqual(['good'])
    expect(passedOver).toEqual([{ item: 'bad', unavailability: { reason, untilMs } }])
  })

  test('leaves its share to the others, by their weights', () => {
    const health = after({ is: 'throttled', retryAfterMs: 1 })
    const choices = [choice('x', { weight: 500, health }), choice('a', { weight: 3 }), choice('b', { weight: 1 })]
    expect(shares(choices, 400)).toEqual({ ab: 300, ba: 100 })
  })

  test('leads to an empty order when all are unavailable', () => {
    const health = after({ is: 'misconfigured', ofModel: false })
    const { order, passedOver } = choose([choice('a', { health }), choice('b', { health })], 'acme', NOW, 0.1)
    expect([order, passedOver.map(({ item }) => item)]).toEqual([[], ['a', 'b']])
  })
})
