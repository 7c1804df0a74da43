import { describe, expect, test } from 'vitest'
import {
  afterSending,
  type Health,
  healthAfter,
  NEW,
  type CallOutcome,
  afterSwitch,
  availabilityOf,
} from '../../src/upstreams/health'
import {
  NOW,
  SECOND,
  PROVEN,
  SERVED,
  FAILED,
  THROTTLED,
  REVOKED,
  from,
  ASKED,
  after,
  times,
  reason,
  restsOf,
} from '../support/health-after'

describe('a throttled account', () => {
  test('rests for exactly as long as it asks', () => {
    const health = after(PROVEN, [{ is: 'throttled', retryAfterMs: 30 * SECOND }])
    expect(availabilityOf(health, ASKED, NOW + 30 * SECOND - 1)).toEqual({
      reason: 'cooling',
      untilMs: NOW + 30 * SECOND,
    })
    expect(availabilityOf(health, ASKED, NOW + 30 * SECOND)).toEqual({ isProbe: false })
  })

  test('rests twice as long each time without such a wish, for five minutes at most', () => {
    expect(restsOf(THROTTLED, PROVEN, 9)).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300])
  })

  test('counts simultaneous answers once; the longest rest holds', () => {
    const told = [30, 10, 20].map((seconds): CallOutcome => ({ is: 'throttled', retryAfterMs: seconds * SECOND }))
    const { cooling } = after(PROVEN, told)
    expect(cooling).toEqual({ untilMs: NOW + 30 * SECOND, times: 1, sinceMs: NOW })
  })

  test('is reset by the success of a later request', () => {
    const cooled = after(PROVEN, times(3, THROTTLED))
    const health = after(cooled, [SERVED], cooled.cooling.untilMs)
    expect(restsOf(THROTTLED, health, 1)).toEqual([5])
  })

  test('rests on when an earlier request succeeds', () => {
    const health = after(PROVEN, [{ is: 'throttled', retryAfterMs: 30 * SECOND }, SERVED, SERVED])
    expect(reason(health)).toBe('cooling')
  })
})

describe('a failing account', () => {
  test('is used until it has failed five times in a row', () => {
    expect(reason(after(PROVEN, times(4, FAILED)))).toBeUndefined()
    expect(reason(after(PROVEN, times(5, FAILED)))).toBe('open')
  })

  test('is used for ever with four failures in five', () => {
    const round = [...times(4, FAILED), SERVED]
    expect(
      reason(
        after(
          PROVEN,
          times(100, SERVED).flatMap(() => round),
        ),
      ),
    ).toBeUndefined()
  })

  test('then rests for half a minute, and twice as long each time, for ten minutes at most', () => {
    expect(restsOf(FAILED, after(PROVEN, times(4, FAILED)), 8)).toEqual([30, 60, 120, 240, 480, 600, 600, 600])
  })

  test('rests no longer because of earlier requests', () => {
    const { payers } = after(PROVEN, times(25, FAILED))
    expect(payers['acme']).toMatchObject({ openUntilMs: NOW + 30 * SECOND, openings: 1 })
  })

  test('is then probed by one request, and all others wait for it', () => {
    const nowMs = NOW + 30 * SECOND
    const open = after(PROVEN, times(5, FAILED))
    const availability = availabilityOf(open, ASKED, nowMs)
    expect(availability).toEqual({ isProbe: true })
    const probed = afterSending(open, { isProbe: true }, 'acme', nowMs)
    expect(reason(probed, nowMs + 30 * SECOND - 1)).toBe('probing')
    expect(reason(probed, nowMs + 30 * SECOND)).toBeUndefined()
    expect(reason(healthAfter(probed, FAILED, from(), nowMs), nowMs)).toBe('open')
    const mended = healthAfter(probed, SERVED, from(), nowMs)
    expect([mended, reason(mended, nowMs)]).toEqual([PROVEN, undefined])
  })

  test('needs five more failures after a success', () => {
    const mended = after(after(PROVEN, times(5, FAILED)), [SERVED], NOW + 30 * SECOND)
    expect(reason(after(mended, times(4, FAILED), NOW + 31 * SECOND), NOW + 31 * SECOND)).toBeUndefined()
  })

  test('is probed by the next request after a cancelled probe', () => {
    const probed = afterSending(NEW, { isProbe: true }, 'acme', NOW)
    expect(availabilityOf(after(probed, [{ is: 'cancelled' }]), ASKED, NOW)).toEqual({ isProbe: true })
  })
})

describe('a misconfigured account', () => {
  test('is disabled, with the time and the reason, and tried again ever later', () => {
    const health = after(PROVEN, [REVOKED, { is: 'misconfigured', ofModel: false, status: 403 }])
    expect(health.disabled).toEqual({ sinceMs: NOW, status: 401, untilMs: NOW + 300 * SECOND, times: 1 })
    expect(restsOf(REVOKED, PROVEN, 6)).toEqual([300, 600, 1200, 2400, 3600, 3600])
  })

  test('is tried by one request, and others pass it over meanwhile', () => {
    const nowMs = NOW + 300 * SECOND
    const disabled = after(PROVEN, [REVOKED])
    expect(availabilityOf(disabled, ASKED, nowMs)).toEqual({ isProbe: true })
    const probed = afterSending(disabled, { isProbe: true }, 'acme', nowMs)
    expect(reason(probed, nowMs + 1, 'a-model', 'globex')).toBe('disabled')
    expect(after(probed, [SERVED], nowMs + SECOND)).toEqual(PROVEN)
    expect(after(probed, [REVOKED], nowMs).disabled).toMatchObject({ sinceMs: NOW, times: 2 })
  })

  test('stays disabled when an earlier request succeeds', () => {
    expect(reason(after(PROVEN, [REVOKED, SERVED]))).toBe('disabled')
  })

  test('for one model serves other models, and that one again after five minutes', () => {
    const health = after(PROVEN, [{ is: 'misconfigured', ofModel: true, status: 404 }])
    expect(availabilityOf(health, ASKED, NOW)).toEqual({ reason: 'without-model', untilMs: NOW + 300 * SECOND })
    expect([reason(health, NOW, 'another'), reason(health, NOW + 300 * SECOND)]).toEqual([undefined, undefined])
  })

  test('with several unavailabilities is unavailable until the last one ends', () => {
    const [short, long] = [SECOND, 40 * SECOND].map((retryAfterMs): CallOutcome => ({ is: 'throttled', retryAfterMs }))
    const open = after(PROVEN, times(5, FAILED))
    expect(availabilityOf(after(open, short ? [short] : []), ASKED, NOW)).toMatchObject({
      reason: 'open',
      untilMs: NOW + 30 * SECOND,
    })
    expect(availabilityOf(after(open, long ? [long] : []), ASKED, NOW)).toMatchObject({
      reason: 'cooling',
      untilMs: NOW + 40 * SECOND,
    })
  })
})

describe('a new account', () => {
  test('is probed by one request; the others wait for it, for two seconds at most', () => {
    expect(availabilityOf(NEW, ASKED, NOW)).toEqual({ isProbe: true })
    const probed = afterSending(NEW, { isProbe: true }, 'acme', NOW)
    expect(availabilityOf(probed, ASKED, NOW + 1999)).toEqual({ reason: 'probing', untilMs: NOW + 2000 })
    expect(availabilityOf(probed, ASKED, NOW + 2000)).toEqual({ isProbe: false })
  })

  test('is proven by its first success, and then open to all', () => {
    expect(availabilityOf(after(NEW, [SERVED]), ASKED, NOW)).toEqual({ isProbe: false })
  })
})

describe('a success', () => {
  test.each<[string, Health]>([
    ['a proven account', PROVEN],
    ['an account that is out', afterSwitch(PROVEN, false, NOW)],
    ['a disabled account', after(PROVEN, [REVOKED])],
    ['an account without a model', after(PROVEN, [{ is: 'misconfigured', ofModel: true }])],
  ])('of %s changes nothing, so that nothing is written', (_, health) => {
    expect(after(health, [SERVED])).toBe(health)
  })

  test.each<[string, Health]>([
    ['a new account', NEW],
    ['a proven account that failed once', after(PROVEN, [FAILED])],
    ['a proven account that failed five times', after(PROVEN, times(5, FAILED))],
    ['a proven account on probation', { ...PROVEN, probingUntilMs: NOW + SECOND }],
  ])('of %s leaves a proven account without trouble', (_, health) => {
    expect(after(health, [SERVED])).toEqual(PROVEN)
  })
})

describe('an account', () => {
  test('that is switched off stays unused, whatever it serves until then', () => {
    const out = afterSwitch(PROVEN, false, NOW)
    expect(availabilityOf(after(out, [FAILED, SERVED]), ASKED, NOW)).toEqual({
      reason: 'out',
      untilMs: Infinity,
    })
    expect(afterSwitch(out, false, NOW + SECOND).outMs).toBe(NOW)
  })

  test('that is switched on is as new', () => {
    const worn = after(PROVEN, [REVOKED, THROTTLED, ...times(9, FAILED), { is: 'misconfigured', ofModel: true }])
    expect(afterSwitch(afterSwitch(worn, false, NOW), true, NOW)).toEqual(NEW)
  })
})
