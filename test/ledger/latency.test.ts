import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { addLatencies, latencyStep, p95Of } from '../../src/ledger/latency'

const histogramOf = (durations: readonly number[]): Record<string, number> =>
  addLatencies(
    {},
    durations.map((ms) => ({ [latencyStep(ms)]: 1 })),
    1,
  )

/** The nearest rank. */
const exactP95 = (durations: readonly number[]): number =>
  durations.toSorted((a, b) => a - b)[Math.ceil((durations.length * 95) / 100) - 1] ?? NaN

const durations = (min: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min, max: 7_200_000 }), { minLength: 1, maxLength: 300 })

test('the 95th percentile is true to 2 % from 100 ms on, and to a millisecond below', () => {
  fc.assert(
    fc.property(fc.oneof(durations(0), durations(100), fc.array(fc.nat(150), { minLength: 1 })), (all) => {
      const [shown, exact] = [p95Of(histogramOf(all)) ?? NaN, exactP95(all)]
      expect(Math.abs(shown - exact)).toBeLessThanOrEqual(Math.max(1, 0.02 * exact))
    }),
  )
})

test('nothing remains of durations that are taken away again, in any order', () => {
  fc.assert(
    fc.property(durations(0), durations(0), (one, other) => {
      const both = addLatencies(histogramOf(one), [histogramOf(other)], 1)
      expect(addLatencies(both, [histogramOf(one)], -1)).toEqual(histogramOf(other))
    }),
  )
})

test('no durations have no percentile', () => {
  expect(p95Of({})).toBeNull()
})
