import { describe, expect, test } from 'vitest'
import { type Health, healthAfter, NEW, type CallOutcome, availabilityOf } from '../../src/upstreams/health'
import { healthFrom } from '../../src/upstreams/stored-health'
import {
  NOW,
  SECOND,
  PROVEN,
  SERVED,
  FAILED,
  from,
  ASKED,
  after,
  times,
  reason,
  restsOf,
} from '../support/health-after'

describe('the failures of one payer', () => {
  const mine = (count: number, outcome = FAILED): Health => after(PROVEN, times(count, outcome))

  test('take the account from that payer alone, however many they are', () => {
    const health = mine(100)
    expect([reason(health), reason(health, NOW, 'a-model', 'globex')]).toEqual(['open', undefined])
  })

  test('count once for one request, however often it is repeated', () => {
    const same = Array.from({ length: 50 }).reduce<Health>(
      (health) => healthAfter(health, FAILED, from('acme', 'the same'), NOW),
      PROVEN,
    )
    expect(reason(same)).toBeUndefined()
  })

  test('pause it for all together with those of another payer', () => {
    const health = healthAfter(healthAfter(mine(4), FAILED, from('globex'), NOW), FAILED, from('globex'), NOW)
    expect(reason(health, NOW, 'a-model', 'a third one')).toBe('open')
  })

  test('are no longer held against the account after it served another payer', () => {
    const served = healthAfter(mine(4), SERVED, from('globex'), NOW)
    const health = healthAfter(healthAfter(served, FAILED, from('globex'), NOW), FAILED, from('globex'), NOW)
    expect(reason(health, NOW, 'a-model', 'a third one')).toBeUndefined()
    expect(reason(healthAfter(health, FAILED, from(), NOW))).toBe('open')
  })

  test('do not make a pause for all longer by one probe after the other', () => {
    const open = [...times(3, FAILED), ...times(2, FAILED)].reduce(
      (health, outcome, at) => healthAfter(health, outcome, from(at < 3 ? 'acme' : 'globex'), NOW),
      PROVEN,
    )
    const again = healthAfter(open, FAILED, from('globex'), NOW + 30 * SECOND)
    expect(reason(again, NOW + 30 * SECOND, 'a-model', 'a third one')).toBeUndefined()
    const others = healthAfter(again, FAILED, from('acme'), NOW + 30 * SECOND)
    expect(reason(others, NOW + 89 * SECOND, 'a-model', 'a third one')).toBe('open')
  })
})

describe('an answer that forbids a request without a reason', () => {
  const FORBIDDEN: CallOutcome = { is: 'unavailable', cause: 'forbidden' }

  test('is held against its request', () => {
    const health = healthAfter(PROVEN, FORBIDDEN, from('acme', 'a'), NOW)
    expect(reason(healthAfter(health, FORBIDDEN, from('acme', 'a'), NOW))).toBeUndefined()
  })

  test('disables the account for its payer with a second request, and for all with another payer', () => {
    const once = after(PROVEN, [FORBIDDEN])
    const twice = after(once, [FORBIDDEN])
    expect([reason(twice), reason(twice, NOW, 'a-model', 'globex')]).toEqual(['disabled', undefined])
    const both = healthAfter(once, FORBIDDEN, from('globex'), NOW)
    expect(reason(both, NOW, 'a-model', 'a third one')).toBe('disabled')
  })

  test('leads to a try by one request half a minute later', () => {
    const both = healthAfter(after(PROVEN, [FORBIDDEN]), FORBIDDEN, from('globex'), NOW)
    expect(availabilityOf(both, ASKED, NOW + 30 * SECOND)).toEqual({ isProbe: true })
    expect(reason(after(both, [SERVED], NOW + 30 * SECOND), NOW + 30 * SECOND)).toBeUndefined()
  })

  test('about the place has a reason of its own', () => {
    expect(reason(after(PROVEN, times(2, { is: 'unavailable', cause: 'misplaced' })))).toBe('misplaced')
  })
})

describe('a limit of', () => {
  const limited = (more: { ofModel?: boolean; group?: string }): Health =>
    after(PROVEN, [{ is: 'throttled', retryAfterMs: 12 * SECOND, ...more }])

  test('one model leaves the others', () => {
    const health = limited({ ofModel: true })
    expect([reason(health), reason(health, NOW, 'another'), reason(health, NOW + 12 * SECOND)]).toEqual([
      'cooling',
      undefined,
      undefined,
    ])
  })

  test('a group of models leaves all others', () => {
    const health = limited({ group: 'a-' })
    expect(['a-model', 'a-nother', 'text'].map((model) => reason(health, NOW, model))).toEqual([
      'cooling',
      'cooling',
      undefined,
    ])
  })

  test('another name is one of the account', () => {
    expect(reason(limited({ group: 'requests' }), NOW, 'another')).toBe('cooling')
  })

  test('an hour rests for five minutes, is tried by one request, and rests longer then', () => {
    const hour: CallOutcome = { is: 'throttled', retryAfterMs: 3600 * SECOND }
    const health = after(PROVEN, [hour])
    expect(reason(health, NOW + 299 * SECOND)).toBe('cooling')
    expect(availabilityOf(health, ASKED, NOW + 300 * SECOND)).toEqual({ isProbe: true })
    expect(restsOf(hour, PROVEN, 6)).toEqual([300, 600, 1200, 2400, 3600, 3600])
  })
})

describe('the health of an earlier version', () => {
  const OLD = {
    disabled: { sinceMs: NOW, status: 401 },
    cooling: { untilMs: 0, times: 0 },
    trouble: { failures: 5, openUntilMs: NOW + SECOND, openings: 1, sinceMs: NOW },
    probingUntilMs: 0,
    proven: true,
    without: { gone: NOW + SECOND },
  }

  test('is read; a disabled account is tried again at once', () => {
    const health = healthFrom({ ...OLD, disabled: undefined })
    expect([reason(health), reason(health, NOW + SECOND)]).toEqual(['open', undefined])
    expect(reason(healthFrom({ ...OLD, trouble: NEW.trouble, disabled: undefined }), NOW, 'gone')).toBe('without-model')
    expect(availabilityOf(healthFrom({ ...OLD, trouble: NEW.trouble }), ASKED, NOW)).toEqual({ isProbe: true })
    expect(healthFrom(undefined)).toBe(NEW)
  })
})
