import { assert, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  afterPause,
  afterSight,
  failedCall,
  newSearch,
  type NextStep,
  nextRouteStep,
  type Situation,
} from '../../src/upstreams/next-step'
import {
  accountKey,
  type CallFailure,
  lossBefore,
  type RouteEvent,
  type RouteHistory,
  stepsIn,
  withEvent,
} from '../../src/upstreams/route-history'
import {
  at,
  cases,
  EVERYONE,
  failed,
  failuresIn,
  firstStep,
  hasServed,
  holds,
  NOW,
  type OfAccount,
  situationOf,
  stepOf,
} from '../support/route-situations'

/** The failures of the step's candidate; undefined for a step without one. */
function failuresOfCalled(step: NextStep<OfAccount>, { history }: Situation<OfAccount>): CallFailure[] | undefined {
  if (step.do !== 'call') return undefined
  return failuresIn(history).filter(({ account }) => account === accountKey(step.candidate))
}

const MAX_COOLDOWNS = 12

describe('a search ends', () => {
  test('at a rejection of the request', () => {
    holds(
      ({ history }) => !hasServed(history) && failuresIn(history).some(({ kind }) => kind === 'rejected'),
      (step) => expect(step.do).toBe('fail'),
    )
  })

  test('at two lost results, those of earlier processes among them', () => {
    holds(
      ({ history }) => failuresIn(history).filter(({ kind }) => kind === 'lost').length >= 2,
      (step) => expect(step.do).toBe('fail'),
    )
  })

  test('at the end of its time', () => {
    holds(
      ({ nowMs, untilMs }) => nowMs >= untilMs,
      (step) => expect(step.do).toBe('fail'),
    )
  })
})

describe('an account with a failure', () => {
  test('is called once more at most: its result was lost in time, or it is the only one', () => {
    holds(
      ({ history, waitsOutCooldown }) => !waitsOutCooldown && !hasServed(history) && failuresIn(history).length > 0,
      (step, [situation]) => {
        const [first, ...others] = failuresOfCalled(step, situation) ?? []
        if (!first) return
        const { kind, facts } = first
        expect([others, facts.isUnusable]).toEqual([[], undefined])
        const isOnly = situation.candidates.length === 1
        expect((kind === 'lost' && facts.code === undefined) || (kind === 'unavailable' && isOnly)).toBe(true)
      },
    )
  })

  test('is called once more only when no account without a failure is left', () => {
    holds(
      ({ history, waitsOutCooldown }) => !waitsOutCooldown && !hasServed(history),
      (step, [situation]) => {
        if ((failuresOfCalled(step, situation) ?? []).length === 0) return
        const failedAt = failuresIn(situation.history).map(({ account }) => account)
        const names = failuresIn(situation.history).flatMap(({ account, facts }) =>
          facts.isOfUpstream ? [account?.split('/')[0]] : [],
        )
        const fresh = situation.candidates.filter(
          (each) => !failedAt.includes(accountKey(each)) && !names.includes(each.upstream.name),
        )
        expect(fresh).toEqual([])
      },
    )
  })

  test('is called once more only as the last one that failed, if there are several', () => {
    const candidates = [at('a'), at('b')]
    const after = (...events: RouteEvent[]): NextStep<OfAccount> => firstStep({ candidates, history: events })
    const [lost, unavailable] = [{ kind: 'lost' } as const, { kind: 'unavailable' } as const]
    expect(after(failed(at('a'), unavailable), failed(at('b'), lost))).toMatchObject({ do: 'call', candidate: at('b') })
    expect(after(failed(at('b'), lost), failed(at('a'), unavailable)).do).toBe('fail')
    expect(after(failed(at('a'), unavailable), failed(at('b'), unavailable)).do).toBe('fail')
  })

  test('takes the other accounts with it if all would answer alike', () => {
    const [first, second, other] = [at('a'), at('a', 1), at('b')]
    const history = [failed(first, { kind: 'misconfigured', facts: { isOfUpstream: true } })]
    const after = (candidates: OfAccount[]): NextStep<OfAccount> => firstStep({ candidates, history })
    expect(after([first, second]).do).toBe('fail')
    expect(after([first, second, other])).toMatchObject({ do: 'call', candidate: other, isOnlyCandidate: true })
  })

  test('is left alone until its pause is over, and no longer', () => {
    const history = [failed(at('a'), {}, NOW + 300)]
    expect(firstStep({ history })).toEqual({ do: 'wait', untilMs: NOW + 300 })
    expect(firstStep({ history, untilMs: NOW + 100 })).toEqual({ do: 'wait', untilMs: NOW + 100 })
    expect(firstStep({ history, nowMs: NOW + 300 }).do).toBe('call')
    const paused = afterPause(newSearch(situationOf({ history }), 0), NOW + 300)
    expect(nextRouteStep(situationOf({ history }), paused, 0.5).do).toBe('call')
  })

  test('has a pause that doubles with each failure in a row', () => {
    const lengths = Array.from({ length: 4 }).reduce<RouteEvent[]>(
      (history) => [...history, failedCall(situationOf({ history }), at('a'), { kind: 'throttled', facts: {} }, 0.5)],
      [],
    )
    expect(failuresIn(lengths).map(({ pausedUntilMs }) => pausedUntilMs - NOW)).toEqual([300, 600, 1200, 2400])
  })

  test('is like a new one after it served another call, if it was unavailable', () => {
    const served: RouteEvent = { came: 'served', account: 'a/0' }
    const unavailable = failed(at('a'), {}, NOW + 300)
    expect(firstStep({ history: [unavailable, unavailable, served] }).do).toBe('call')
    expect(firstStep({ history: [served, unavailable, unavailable] }).do).toBe('fail')
    expect(firstStep({ history: [unavailable, unavailable, { ...served, account: 'b/0' }] }).do).toBe('fail')
  })
})

test('a job calls a throttled account a dozen times, and a waiting request once', () => {
  const throttled = (count: number): RouteEvent[] =>
    Array.from({ length: count }, () => failed(at('a'), { kind: 'throttled' }))
  const after = (count: number, waitsOutCooldown: boolean): string =>
    firstStep({ history: throttled(count), waitsOutCooldown }).do
  expect([after(MAX_COOLDOWNS - 1, true), after(MAX_COOLDOWNS, true), after(1, false)]).toEqual([
    'call',
    'fail',
    'fail',
  ])
  expect(firstStep({ history: [...throttled(1), failed(at('a'), {})], waitsOutCooldown: true }).do).toBe('fail')
})

test('an image that is refused after another one was made ends no request', () => {
  const served: RouteEvent = { came: 'served', account: 'a/0' }
  const refused = failed(at('a'), { kind: 'rejected' })
  expect(firstStep({ history: [served, refused] }).do).toBe('call')
  expect(firstStep({ history: [refused, served] }).do).toBe('fail')
})

describe('an available candidate', () => {
  test('without a failure is called, before any wait', () => {
    holds(
      ({ history, nowMs, untilMs }) => history.length === 0 && nowMs < untilMs,
      (step, [{ candidates }, { sights }]) => {
        const areSeen = candidates.every((each) => sights.has(accountKey(each)))
        const available = candidates.filter((each) => !sights.get(accountKey(each)))
        if (candidates.length > 1 && !areSeen) expect(step.do).toBe('look')
        else if (available.length > 0) expect(step.do).toBe('call')
        else expect(step.do).not.toBe('call')
      },
    )
  })

  test('is called in the order of the look', () => {
    const situation = situationOf({ candidates: EVERYONE })
    const order = EVERYONE.toReversed()
    let search = afterSight(newSearch(situation, 0), { order, passedOver: [] })
    for (const item of order) {
      expect(nextRouteStep(situation, search, 0.5)).toMatchObject({ do: 'call', candidate: item, waitUntilMs: NOW })
      search = afterSight(search, {
        order: [],
        passedOver: [{ item, unavailability: { reason: 'full', untilMs: NOW } }],
      })
    }
    expect(nextRouteStep(situation, search, 0.5).do).toBe('wait')
  })

  test('is looked for anew after each pause', () => {
    const situation = situationOf({ candidates: EVERYONE })
    const seen = afterSight(newSearch(situation, 0), { order: EVERYONE, passedOver: [] })
    expect(nextRouteStep(situation, afterPause(seen, NOW), 0.5)).toEqual({ do: 'look', candidates: EVERYONE })
  })
})

test('the facts alone decide on a step, and stay as they are', () => {
  assert(
    property(cases, (each) => {
      const copy = structuredClone(each)
      expect(stepOf(each)).toEqual(stepOf(copy))
      expect(each).toEqual(copy)
    }),
  )
})

test('the steps name each outcome, and an unavailability once', () => {
  const full: RouteEvent = { came: 'unavailable', account: 'a/0', reason: 'full' }
  const told: RouteEvent[] = [full, failed(at('b', 1), { kind: 'throttled' }), full, { came: 'served', account: 'a/0' }]
  const history = [...told, ...told].reduce<RouteHistory>(withEvent, [lossBefore(at('a'))])
  expect(stepsIn(history)).toEqual(['a/0 full', 'b/1 throttled', 'a/0 served', 'b/1 throttled', 'a/0 served'])
})

test('a call begins before it has its slot at a well account that has failed no call', () => {
  const relay = at('relay')
  const situation = { candidates: [relay], well: new Set([accountKey(relay)]) }
  expect(firstStep(situation)).toMatchObject({ do: 'call', isAtOnce: true })
  const after = { ...situation, history: [failed(relay, { kind: 'lost' })] }
  expect(firstStep(after)).not.toHaveProperty('isAtOnce')
  holds(
    () => true,
    (step, [situation]) => {
      if (step.do !== 'call') return
      const isWell = situation.well?.has(accountKey(step.candidate)) === true
      if (!isWell) expect(step.isAtOnce).toBeUndefined()
      else if (failuresOfCalled(step, situation)?.length === 0) expect(step.isAtOnce).toBe(true)
    },
  )
})
