import {
  type Arbitrary,
  array,
  assert,
  boolean,
  constant,
  constantFrom,
  double,
  integer,
  option,
  property,
  record,
  tuple,
} from 'fast-check'
import type { ProviderErrorKind } from '../../src/providers/provider'
import type { Unavailability } from '../../src/upstreams/health'
import { newSearch, type NextStep, nextRouteStep, type Search, type Situation } from '../../src/upstreams/next-step'
import {
  accountKey,
  type CallFailure,
  lossBefore,
  type RouteEvent,
  type RouteHistory,
} from '../../src/upstreams/route-history'

export const NOW = 1_800_000_000_000

/** A candidate of the tests, by its account alone. */
export interface OfAccount {
  upstream: { name: string; account: number }
}

/** An account of an upstream. */
export const at = (name: string, account = 0): OfAccount => ({ upstream: { name, account } })
export const EVERYONE = [at('a'), at('a', 1), at('b'), at('b', 1)]

/** One to four candidates. */
export const someCandidates = tuple(boolean(), boolean(), boolean(), boolean()).map((isIn) => {
  const chosen = EVERYONE.filter((_, index) => isIn[index])
  return chosen.length > 0 ? chosen : [at('a')]
})
const moment = (fromMs: number, toMs: number): Arbitrary<number> => integer({ min: NOW + fromMs, max: NOW + toMs })
export const chance = double({ min: 0, max: 1, noNaN: true })

const kinds: readonly ProviderErrorKind[] = ['rejected', 'throttled', 'unavailable', 'misconfigured', 'lost']
/** A failure of any kind. */
export const failure: Arbitrary<CallFailure> = record({
  kind: constantFrom(...kinds),
  facts: record(
    {
      isUnusable: constant(true as const),
      isOfUpstream: constant(true as const),
      code: constant('timed_out' as const),
    },
    { requiredKeys: [] },
  ),
})
/** The event of a failed call. */
export const failed = (candidate: OfAccount, how: Partial<CallFailure>, pausedUntilMs = 0): RouteEvent => ({
  came: 'failed',
  account: accountKey(candidate),
  kind: 'unavailable',
  facts: {},
  pausedUntilMs,
  ...how,
})
const events: Arbitrary<RouteEvent> = tuple(
  constantFrom(...EVERYONE),
  failure,
  moment(-1000, 1000),
  integer({ min: 0, max: 9 }),
).map(([candidate, how, pausedUntilMs, form]): RouteEvent => {
  const account = accountKey(candidate)
  if (form === 0) return { came: 'served', account }
  if (form === 1) return { came: 'cancelled', account }
  if (form === 2) return { came: 'unavailable', account, reason: 'full' }
  return form === 3 ? lossBefore() : failed(candidate, how, pausedUntilMs)
})
export const unavailability: Arbitrary<Unavailability> = record({
  reason: constantFrom('out', 'disabled', 'cooling', 'open', 'probing', 'full', 'busy', 'without-model', 'unreachable'),
  untilMs: moment(-1000, 120_000),
})

export type Case = [situation: Situation<OfAccount>, search: Search, random: number]

/** Any request at any moment of a search. */
export const cases: Arbitrary<Case> = tuple(
  record({
    candidates: someCandidates,
    history: array(events, { maxLength: 4 }),
    nowMs: constant(NOW),
    untilMs: moment(-10, 100_000),
    patienceMs: integer({ min: 0, max: 60_000 }),
    waitsOutCooldown: boolean(),
    well: array(constantFrom(...EVERYONE.map(accountKey))).map((keys) => new Set(keys)),
  }),
  record({
    giveUpMs: moment(-10_000, 60_000),
    pauses: integer({ min: 0, max: 20 }),
    pausedUntilMs: constantFrom(0, NOW),
    sights: array(tuple(constantFrom(...EVERYONE.map(accountKey)), option(unavailability, { nil: undefined }))).map(
      (entries) => new Map(entries),
    ),
  }),
  chance,
).map(([situation, { giveUpMs, ...search }, random]) => [
  situation,
  { ...search, giveUpMs: Math.min(giveUpMs, situation.untilMs) },
  random,
])

export const stepOf = ([situation, search, random]: Case): NextStep<OfAccount> =>
  nextRouteStep(situation, search, random)

/** Checks a claim on the next step of many cases that meet a condition. */
export function holds(
  isMeant: (situation: Situation<OfAccount>) => boolean,
  claim: (step: NextStep<OfAccount>, each: Case) => void,
): void {
  assert(
    property(
      cases.filter(([situation]) => isMeant(situation)),
      (each) => {
        claim(stepOf(each), each)
      },
    ),
    { numRuns: 2000 },
  )
}

/** All failures, whether or not a success made them good. */
export const failuresIn = (history: RouteHistory): Extract<RouteEvent, { came: 'failed' }>[] =>
  history.flatMap((event) => (event.came === 'failed' ? [event] : []))
export const hasServed = (history: RouteHistory): boolean => history.some(({ came }) => came === 'served')

/** A request with one candidate, a minute and a patience of 10 s. */
export function situationOf(changed: Partial<Situation<OfAccount>> = {}): Situation<OfAccount> {
  return { candidates: [at('a')], history: [], nowMs: NOW, untilMs: NOW + 60_000, patienceMs: 10_000, ...changed }
}

/** The first step of a new search. */
export function firstStep(changed: Partial<Situation<OfAccount>>): NextStep<OfAccount> {
  const situation = situationOf(changed)
  return nextRouteStep(situation, newSearch(situation, 0), 0.5)
}
