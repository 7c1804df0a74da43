import { expect, test } from 'vitest'
import { percentile } from '../../src/upstreams/latency'

const hundred = Array.from({ length: 100 }, (_, at) => 100 - at)

test.each([
  ['half of a hundred', hundred, 0.5, 50],
  ['95 of a hundred', hundred, 0.95, 95],
  ['all', hundred, 1, 100],
  ['none', hundred, 0, 1],
  ['half of two', [9, 7], 0.5, 7],
  ['95 of a hundred of one', [42], 0.95, 42],
  ['95 of a hundred of ten, numbers and not words', [10, 9, 100, 8, 7, 6, 5, 4, 3, 2], 0.95, 100],
])('the time that %s did not exceed is one that was taken', (_, took, share, expected) => {
  expect(percentile(took, share)).toBe(expected)
})

test('of nothing, no time was taken', () => {
  expect(percentile([], 0.95)).toBe(0)
})

test('the times stay in the order in which they came', () => {
  const took = [3, 1, 2]
  percentile(took, 0.5)
  expect(took).toEqual([3, 1, 2])
})
