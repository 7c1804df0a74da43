import { describe, expect, test } from 'vitest'
import type { Limits } from '../../src/limits/limits'
import { type Meter, meterAt, minuteBucket, timeOfMeter, untilNextDay } from '../../src/limits/meter'

const NOON = Date.UTC(2026, 10, 20, 12)
const SECOND = 1000

/** The number of requests that a bucket admits in each second, with so many requests a second. */
function letIn(limits: Limits, perSecond: number, seconds: number): number[] {
  let meter: Meter | undefined
  return Array.from({ length: seconds }, (_, second) => {
    let admitted = 0
    for (let request = 0; request < perSecond; request++) {
      const nowMs = NOON + second * SECOND + request
      const current = meterAt(meter, limits, nowMs)
      const left = minuteBucket(current, limits, nowMs)?.left ?? Infinity
      if (left < 1) continue
      admitted += 1
      meter = { ...current, level: current.level + 1 }
    }
    return admitted
  })
}

const sum = (counts: number[]): number => counts.reduce((total, count) => total + count, 0)

describe("a minute's requests", () => {
  test.each([
    { limits: { requests_per_minute: 20 }, first: 20 },
    { limits: { requests_per_minute: 60 }, first: 60 },
    { limits: { requests_per_minute: 100, burst: 10 }, first: 10 },
    { limits: { requests_per_minute: 1 }, first: 1 },
  ])('of $limits may come $first at once and not one more', ({ limits, first }) => {
    expect(letIn(limits, 200, 1)).toEqual([first])
  })

  test('stay within the limit for a quarter of a minute, whatever arrives', () => {
    expect(sum(letIn({ requests_per_minute: 20 }, 50, 15))).toBe(20)
  })

  test.each([1, 7, 20, 60, 100, 1000])('return at the rate of the limit: %i in an hour of minutes', (perMinute) => {
    const admitted = sum(letIn({ requests_per_minute: perMinute }, Math.ceil(perMinute / 30), 3600))
    expect(admitted).toBeGreaterThanOrEqual(perMinute * 60)
    expect(admitted).toBeLessThanOrEqual(perMinute * 61)
  })

  test('return within the time of the refusal', () => {
    const limits = { requests_per_minute: 20 }
    const meter: Meter = { ...meterAt(undefined, limits, NOON), level: 20 }
    const { left, backMs } = minuteBucket(meter, limits, NOON + 400) ?? { left: NaN, backMs: NaN }
    expect(left).toBe(0)
    const later = NOON + 400 + backMs
    expect(minuteBucket(meterAt(meter, limits, later - 1), limits, later - 1)?.left).toBe(0)
    expect(minuteBucket(meterAt(meter, limits, later), limits, later)?.left).toBe(5)
  })

  test('follow a raised or lowered limit at once', () => {
    const meter: Meter = { ...meterAt(undefined, { requests_per_minute: 20 }, NOON), level: 20 }
    const leftOf = (limits: Limits): number | undefined =>
      minuteBucket(meterAt(meter, limits, NOON), limits, NOON)?.left
    expect(leftOf({ requests_per_minute: 20 })).toBe(0)
    expect(leftOf({ requests_per_minute: 30 })).toBe(10)
    expect(leftOf({ requests_per_minute: 5 })).toBe(0)
    expect(leftOf({})).toBeUndefined()
  })
})

describe('the counts of the day and the month', () => {
  const used = { ...meterAt(undefined, {}, NOON), requests: 3, images: 4, spent: 5 }

  test.each([
    { at: '2026-11-20T23:59:59.999Z', left: { requests: 3, images: 4, spent: 5 } },
    { at: '2026-11-21T00:00:00.000Z', left: { requests: 0, images: 0, spent: 5 } },
    { at: '2026-11-30T23:59:59.999Z', left: { requests: 0, images: 0, spent: 5 } },
    { at: '2026-12-01T00:00:00.000Z', left: { requests: 0, images: 0, spent: 0 } },
  ])('are $left at $at', ({ at, left }) => {
    expect(meterAt(used, {}, Date.parse(at))).toMatchObject(left)
  })

  test.each([
    { from: '2026-12-01T00:00:00Z', back: '2026-11-30T23:59:59Z' },
    { from: '2027-01-01T00:00:00Z', back: '2026-12-31T12:00:00Z' },
    { from: '2026-11-21T00:00:00Z', back: '2026-11-20T23:59:59Z' },
  ])('stay from $from on if the clock runs back to $back', ({ from, back }) => {
    const meter = { ...meterAt(undefined, {}, Date.parse(from)), requests: 3, images: 4, spent: 5 }
    const behind = meterAt(meter, {}, Date.parse(back))
    expect(behind).toMatchObject({ day: from.slice(0, 10), requests: 3, images: 4, spent: 5 })
    expect(meterAt(behind, {}, Date.parse(from))).toMatchObject({ requests: 3, images: 4, spent: 5 })
    expect(timeOfMeter(behind, Date.parse(back))).toBe(Date.parse(from))
    expect(untilNextDay(behind, Date.parse(back))).toBe(Date.parse(from) + 86_400_000 - Date.parse(back))
  })
})

test('a clock that runs back by an hour neither empties the bucket nor holds it full for an hour', () => {
  const limits = { requests_per_minute: 20 }
  const full: Meter = { ...meterAt(undefined, limits, NOON), level: 20 }
  const back = NOON - 3_600_000
  const meter = meterAt(full, limits, back)
  expect(minuteBucket(meter, limits, back)).toEqual({ left: 0, backMs: 15_000 })
  expect(minuteBucket(meterAt(meter, limits, back + 15_000), limits, back + 15_000)?.left).toBe(5)
})
