import { expect, test } from 'vitest'
import { percentile } from '../../src/upstreams/latency'

const hundred = Array.from({ length: 100 }, (_, at) => 100 - at)

test.each([
  ['the median of a hundred', hundred, 0.5, 50],
  ['the 95th percentile of a hundred', hundred, 0.95, 95],
  ['all', hundred, 1, 100],
  ['none', hundred, 0, 1],
  ['the median of two', [9, 7], 0.5, 7],
  ['the 95th percentile of one', [42], 0.95, 42],
  ['the 95th percentile of ten, as numbers and not as text', [10, 9, 100, 8, 7, 6, 5, 4, 3, 2], 0.95, 100],
])('%s is one of the measured times', (_, took, share, expected) => {
  expect(percentile(took, share)).toBe(expected)
})

test('a percentile of nothing is zero', () => {
  expect(percentile([], 0.95)).toBe(0)
})

test('the times keep their order', () => {
  const took = [3, 1, 2]
  percentile(took, 0.5)
  expect(took).toEqual([3, 1, 2])
})
