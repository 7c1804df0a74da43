import { assert, boolean, gen, integer, property } from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Unavailability } from '../../src/upstreams/health'
import {
  afterPause,
  afterSight,
  failedCall,
  newSearch,
  type NextStep,
  nextRouteStep,
  type Situation,
} from '../../src/upstreams/next-step'
import { withEvent } from '../../src/upstreams/route-history'
import {
  at,
  chance,
  failure,
  failuresIn,
  holds,
  NOW,
  type OfAccount,
  situationOf,
  someCandidates,
  unavailability,
} from '../support/route-situations'

/** The step after the account of the only candidate gave no slot. */
function stepAfter(changed: Partial<Situation<OfAccount>>, reason: Unavailability): NextStep<OfAccount> {
  const situation = situationOf(changed)
  const search = afterSight(newSearch(situation, 0), {
    order: [],
    passedOver: [{ item: at('a'), unavailability: reason }],
  })
  return nextRouteStep(situation, search, 0.5)
}

describe('a wait', () => {
  test('ends: it lies ahead, and no later than the time of the request', () => {
    holds(
      () => true,
      (step, [{ nowMs, untilMs }]) => {
        if (step.do !== 'wait') return
        expect(step.untilMs).toBeGreaterThan(nowMs)
        expect(step.untilMs).toBeLessThanOrEqual(untilMs)
      },
    )
  })

  test('for busy accounts outlasts neither the patience nor a probe', () => {
    holds(
      ({ history }) => history.length === 0,
      (step, [, { giveUpMs, sights }]) => {
        const probes = [...sights.values()].flatMap((each) => (each?.reason === 'probing' ? [each.untilMs] : []))
        if (step.do === 'wait') expect(step.untilMs).toBeLessThanOrEqual(Math.max(giveUpMs, ...probes))
        if (step.do === 'call' && step.isOnlyCandidate) expect(step.waitUntilMs).toBe(giveUpMs)
      },
    )
  })

  test('is for a reason that ends; a cooldown is waited out by jobs alone', () => {
    const passing = ['full', 'busy', 'probing', 'unreachable']
    holds(
      ({ history }) => history.length === 0,
      (step, [{ waitsOutCooldown }, { sights }]) => {
        const reasons = [...sights.values()].flatMap((each) => each?.reason ?? [])
        const worthIt = waitsOutCooldown ? [...passing, 'cooling', 'open'] : passing
        if (step.do === 'wait') expect(reasons.some((reason) => worthIt.includes(reason))).toBe(true)
      },
    )
  })

  test('for a probe ends with it, also without patience', () => {
    const probing = (untilMs: number): NextStep<OfAccount> =>
      stepAfter({ patienceMs: 0 }, { reason: 'probing', untilMs })
    expect([probing(NOW + 100), probing(NOW).do]).toEqual([{ do: 'wait', untilMs: NOW + 100 }, 'fail'])
  })

  test('for a cooldown ends with it, if the patience lasts so long', () => {
    const cooling = (untilMs: number): NextStep<OfAccount> =>
      stepAfter({ waitsOutCooldown: true, patienceMs: 5000 }, { reason: 'cooling', untilMs })
    expect(cooling(NOW + 100)).toEqual({ do: 'wait', untilMs: NOW + 100 })
    expect(cooling(NOW + 5000).do).toBe('fail')
    expect(cooling(NOW - 1)).toEqual({ do: 'wait', untilMs: NOW + 250 })
    const over = { reason: 'cooling', untilMs: NOW - 1 } as const
    expect(stepAfter({ waitsOutCooldown: true, patienceMs: 100 }, over)).toEqual({ do: 'wait', untilMs: NOW + 100 })
  })

  test('is longer each time, up to 2 s; with all accounts cooling down, up to 30 s', () => {
    const lengthsMs = (reason: Unavailability['reason']): number[] => {
      const situation = situationOf({ waitsOutCooldown: true, patienceMs: 600_000, untilMs: NOW + 700_000 })
      const seen = { order: [], passedOver: [{ item: at('a'), unavailability: { reason, untilMs: NOW + 500_000 } }] }
      let search = newSearch(situation, 0)
      return Array.from({ length: 9 }, () => {
        const step = nextRouteStep(situation, afterSight(search, seen), 0.5)
        search = afterPause(search, NOW)
        return step.do === 'wait' ? step.untilMs - NOW : Number.NaN
      })
    }
    expect(lengthsMs('full')).toEqual([250, 500, 1000, 2000, 2000, 2000, 2000, 2000, 2000])
    expect(lengthsMs('cooling')).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000])
  })

  test('lasts as long as the patience, and with slots in hand as long as the time of the request', () => {
    const until = (patienceMs: number, slotsInHand: number): number =>
      newSearch(situationOf({ patienceMs, untilMs: NOW + 5000 }), slotsInHand).giveUpMs - NOW
    expect([until(1000, 0), until(1000, 1), until(9000, 0)]).toEqual([1000, 5000, 5000])
  })
})

test('every request ends in its time, with at most two lost results and without a needless call', () => {
  assert(
    property(gen(), someCandidates, boolean(), (draw, candidates, waitsOutCooldown) => {
      const untilMs = NOW + draw(integer, { min: 1000, max: 300_000 })
      const limits = { candidates, waitsOutCooldown, untilMs, patienceMs: draw(integer, { min: 0, max: 300_000 }) }
      let situation: Situation<OfAccount> = { ...limits, history: [], nowMs: NOW }
      const later = (untilAtMostMs: number): void => {
        const nowMs = draw(integer, { min: situation.nowMs, max: Math.max(situation.nowMs, Math.ceil(untilAtMostMs)) })
        situation = { ...situation, nowMs }
      }
      const reply = (): Unavailability | undefined => {
        const [reason, lengthMs] = [draw(() => unavailability), draw(integer, { min: 0, max: 60_000 })]
        return draw(boolean) ? undefined : { ...reason, untilMs: situation.nowMs + lengthMs }
      }
      let search = newSearch(situation, 0)
      for (let steps = 0; steps < 50_000; steps++) {
        const step = nextRouteStep(
          situation,
          search,
          draw(() => chance),
        )
        if (step.do === 'fail') {
          const lost = failuresIn(situation.history).filter(({ kind }) => kind === 'lost')
          expect(lost.length).toBeLessThanOrEqual(2)
          return
        }
        expect(situation.nowMs).toBeLessThan(untilMs)
        if (step.do === 'wait') {
          situation = { ...situation, nowMs: Math.ceil(step.untilMs) }
          search = afterPause(search, step.untilMs)
        } else if (step.do === 'look') {
          for (const item of step.candidates) {
            const unavailable = reply()
            const passedOver = unavailable ? [{ item, unavailability: unavailable }] : []
            search = afterSight(search, { order: unavailable ? [] : [item], passedOver })
          }
        } else {
          later(step.waitUntilMs)
          const unavailable = reply()
          if (unavailable) {
            search = afterSight(search, {
              order: [],
              passedOver: [{ item: step.candidate, unavailability: unavailable }],
            })
            continue
          }
          later(situation.nowMs + 60_000)
          const event = failedCall(
            situation,
            step.candidate,
            draw(() => failure),
            draw(() => chance),
          )
          situation = { ...situation, history: withEvent(situation.history, event) }
          const mostCalls = candidates.length * (waitsOutCooldown ? 13 : 1) + 1
          expect(situation.history.length).toBeLessThanOrEqual(mostCalls)
          search = newSearch(situation, 0)
        }
      }
      expect.unreachable('the request does not end')
    }),
    { numRuns: 300 },
  )
})
