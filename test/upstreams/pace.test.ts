import { array, assert, constant, integer, oneof, property, record } from 'fast-check'
import { expect, test } from 'vitest'
import { heldUntilMs, type SentBySecond, withSent } from '../../src/upstreams/pace'

const NOW = 1_800_000_000_000
const MINUTE = 60_000

/** The moments at which requests get their slots: each as soon as it may, in the order of arrival. */
function granted(arrivals: readonly number[], perMinute: number): number[] {
  let sent: SentBySecond = new Map()
  let nowMs = NOW
  return arrivals.map((afterMs) => {
    nowMs += afterMs
    nowMs = heldUntilMs(sent, perMinute, nowMs) ?? nowMs
    expect(heldUntilMs(sent, perMinute, nowMs)).toBeUndefined()
    sent = withSent(sent, nowMs)
    return nowMs
  })
}

/** The most requests that any 60 s hold. */
const most = (moments: readonly number[]): number =>
  Math.max(0, ...moments.map((from) => moments.filter((each) => each >= from && each < from + MINUTE).length))

test('no 60 s hold more requests than the limit at the upstream, whatever their arrivals and their ways', () => {
  const gap = oneof({ weight: 5, arbitrary: constant(0) }, integer({ min: 0, max: 20_000 }))
  const request = record({ gap, delay: integer({ min: 0, max: 5000 }) })
  assert(
    property(array(request, { maxLength: 150 }), integer({ min: 1, max: 70 }), (requests, perMinute) => {
      const slots = granted(
        requests.map((each) => each.gap),
        perMinute,
      )
      const seen = slots.map((atMs, index) => atMs + (requests[index]?.delay ?? 0))
      expect(most(seen)).toBeLessThanOrEqual(perMinute)
    }),
    { numRuns: 200 },
  )
})

test('a crowd of requests is spread over its minute, and the limit is used up', () => {
  const slots = granted(
    Array.from({ length: 60 }, () => 0),
    60,
  )
  const bySecond = slots.map((atMs) => (atMs - NOW) / 1000)
  expect([bySecond[14], bySecond[15], bySecond[30], bySecond[45]]).toEqual([0, 9, 18, 27])
  expect(most(slots)).toBe(60)
})

test('a small limit takes its requests at once', () => {
  expect(granted([0, 0, 0, 0, 0, 0], 5).map((atMs) => atMs - NOW)).toEqual([0, 0, 0, 0, 0, 66_000])
})
