import type { Failure } from '../failures/errors'
import type { Ranking } from './choose'
import type { Unavailability, UnavailabilityReason } from './health'
import { routeFailure } from './route-failure'
import {
  accountKey,
  type CallFailure,
  failuresIn,
  type HasAccount,
  type RouteEvent,
  type RouteHistory,
} from './route-history'

/** The number of paid calls with an unreadable answer. */
const MAX_LOST = 2
/** The number of cooldowns of one account that a job waits out. */
const MAX_COOLDOWNS = 12
/** The average pause before another call of a failed account, in ms; it doubles each time. */
const BACK_OFF_MS = 300
/** The first and the longest pause between two looks at busy accounts, in ms; it doubles each time. */
const [AGAIN_MS, MAX_AGAIN_MS] = [250, 2000]
/**
 * The longest pause when all accounts are cooling down, in ms: each look calls every account, and calls are limited.
 */
const MAX_COOLDOWN_LOOK_MS = 30_000

/** Reasons that end before long. */
const BUSY: readonly UnavailabilityReason[] = ['full', 'busy', 'probing', 'unreachable']
/** Reasons that end at a known time. */
const COOLING_DOWN: readonly UnavailabilityReason[] = ['cooling', 'open']

/** The facts of a request that decide on its next step. */
export interface Situation<Served extends HasAccount> {
  candidates: readonly Served[]
  history: RouteHistory
  nowMs: number
  /** The end of the time for starting calls, in ms since 1970. */
  untilMs: number
  /** The longest wait for busy accounts, in ms. A probe under way is waited for beyond it. */
  patienceMs: number
  /** Whether the request waits out the cooldown of an account, within its patience. */
  waitsOutCooldown?: boolean
  /** The accounts without limits that were well a moment ago, by their `accountKey`. */
  well?: ReadonlySet<string>
}

/** One search for a slot, as plain data. Moments are in ms since 1970. */
export interface Search {
  /** The end of the patience. */
  giveUpMs: number
  /** The number of pauses, and the end of the last one. */
  pauses: number
  pausedUntilMs: number
  /** The accounts seen since, by their `accountKey`, the best first; undefined for an available one. */
  sights: ReadonlyMap<string, Unavailability | undefined>
}

/** The next step of a search. Moments are in ms since 1970. */
export type NextStep<Served extends HasAccount> =
  /** Reads the health of these accounts. */
  | { do: 'look'; candidates: readonly Served[] }
  /** Calls the candidate when its account gives a slot, until a moment at the latest. `isAtOnce` does not wait. */
  | { do: 'call'; candidate: Served; waitUntilMs: number; isOnlyCandidate: boolean; isAtOnce?: true }
  | { do: 'wait'; untilMs: number }
  | { do: 'fail'; failure: Failure }

/** A search that begins now. Slots in hand are freed in time, so a request with some waits until its end. */
export const newSearch = ({ nowMs, untilMs, patienceMs }: Situation<HasAccount>, slotsInHand: number): Search => ({
  giveUpMs: slotsInHand > 0 ? untilMs : Math.min(nowMs + patienceMs, untilMs),
  pauses: 0,
  pausedUntilMs: 0,
  sights: new Map(),
})

/** The search after a pause until a moment in ms since 1970. Its sights are out of date. */
export const afterPause = (search: Search, pausedUntilMs: number): Search => ({
  ...search,
  pauses: search.pauses + 1,
  pausedUntilMs,
  sights: new Map(),
})

/** The search after a look at accounts, or after an account gave no slot. */
export const afterSight = (search: Search, { order, passedOver }: Ranking<HasAccount>): Search => ({
  ...search,
  sights: new Map([
    ...search.sights,
    ...order.map((candidate) => [accountKey(candidate), undefined] as const),
    ...passedOver.map(({ item, unavailability }) => [accountKey(item), unavailability] as const),
  ]),
})

/** The event of a failed call, with the pause before another one. `random` is from 0 to 1. */
export function failedCall(
  { history, nowMs }: Situation<HasAccount>,
  candidate: HasAccount,
  { kind, facts }: CallFailure,
  random: number,
): RouteEvent {
  const account = accountKey(candidate)
  const times = failuresIn(history).filter((each) => each.account === account).length
  return { came: 'failed', account, kind, facts, pausedUntilMs: nowMs + BACK_OFF_MS * 2 ** times * (0.5 + random) }
}

/**
 * The candidates that may still be called: those without a failure. After the last failure, its candidate if one more
 * call may help.
 */
export function callable<Served extends HasAccount>(situation: Situation<Served>): Served[] {
  const { candidates, history, nowMs, untilMs } = situation
  const failures = failuresIn(history)
  const lost = failures.filter(({ kind }) => kind === 'lost')
  if (nowMs >= untilMs || lost.length >= MAX_LOST || failures.some(({ kind }) => kind === 'rejected')) return []
  const failuresOf = (candidate: HasAccount): CallFailure[] =>
    failures.filter(({ account }) => account === accountKey(candidate))
  const failedAsAll = candidates.filter((each) => failuresOf(each).some(({ facts }) => facts.isOfUpstream))
  const fresh = candidates.filter(
    (each) =>
      isFresh(failuresOf(each), situation) && !failedAsAll.some(({ upstream }) => upstream.name === each.upstream.name),
  )
  const last = failures.findLast(({ account }) => account !== undefined)
  if (fresh.length > 0 || !last) return fresh
  return candidates.filter(
    (each) => accountKey(each) === last.account && isWorthAnotherCall(failuresOf(each), candidates.length),
  )
}

/** A cooldown is no failure for a job that waits it out, up to a number of times. */
const isFresh = (failures: readonly CallFailure[], { waitsOutCooldown }: Situation<HasAccount>): boolean =>
  failures.length === 0 ||
  (waitsOutCooldown === true && failures.length < MAX_COOLDOWNS && failures.every(({ kind }) => kind === 'throttled'))

/**
 * Whether a failed account is worth one more call. Its result was lost in time, or it is the only candidate and was
 * unavailable. After an answer that could not be used, the next one would be the same, and be paid for too.
 */
function isWorthAnotherCall([failure, again]: readonly CallFailure[], candidates: number): boolean {
  if (!failure || again || failure.facts.isUnusable) return false
  const { kind, facts } = failure
  return (kind === 'unavailable' && candidates === 1) || (kind === 'lost' && facts.code !== 'timed_out')
}

/** The next step of a search for a slot. `random` is from 0 to 1 and spreads the pauses. */
export function nextRouteStep<Served extends HasAccount>(
  situation: Situation<Served>,
  search: Search,
  random: number,
): NextStep<Served> {
  const { history, nowMs, untilMs } = situation
  const { sights, giveUpMs, pausedUntilMs } = search
  const left = callable(situation)
  const backOffMs = Math.min(...left.map((each) => backOffUntilMs(history, each)))
  // A clock that stands still prolongs no pause.
  if (left.length > 0 && backOffMs > Math.max(nowMs, pausedUntilMs))
    return { do: 'wait', untilMs: Math.min(backOffMs, untilMs) }
  const isOnlyCandidate = left.length === 1
  const unseen = left.filter((each) => !sights.has(accountKey(each)))
  // The account of an only candidate tells its health with its answer about a slot.
  if (unseen.length > 0 && !isOnlyCandidate) return { do: 'look', candidates: unseen }
  const order = [...sights.keys()]
  const [candidate] = left
    .filter((each) => !sights.get(accountKey(each)))
    .toSorted((a, b) => order.indexOf(accountKey(a)) - order.indexOf(accountKey(b)))
  if (candidate) {
    const atOnce = mayCallAtOnce(candidate, situation) ? ({ isAtOnce: true } as const) : {}
    return { do: 'call', candidate, waitUntilMs: isOnlyCandidate ? giveUpMs : nowMs, isOnlyCandidate, ...atOnce }
  }
  const unavailabilities = [...sights.values()].flatMap((each) => each ?? [])
  const lookMs = lookAgainMs(unavailabilities, situation, search, random)
  if (left.length > 0 && lookMs < untilMs) return { do: 'wait', untilMs: lookMs }
  return { do: 'fail', failure: routeFailure(failuresIn(history), unavailabilities, nowMs) }
}

/** Whether an account was well a moment ago, and has failed no call of this request. */
const mayCallAtOnce = (candidate: HasAccount, { well, history }: Situation<HasAccount>): boolean =>
  well?.has(accountKey(candidate)) === true &&
  !failuresIn(history).some(({ account }) => account === accountKey(candidate))

/** The end of the pause of a failed candidate, in ms since 1970; 0 for one without a failure. */
const backOffUntilMs = (history: RouteHistory, candidate: HasAccount): number =>
  failuresIn(history).findLast(({ account }) => account === accountKey(candidate))?.pausedUntilMs ?? 0

/** The moment of the next look at unavailable accounts, in ms since 1970; `Infinity` if no wait is worth it. */
function lookAgainMs(
  unavailabilities: readonly Unavailability[],
  { nowMs, waitsOutCooldown }: Situation<HasAccount>,
  { giveUpMs, pauses }: Search,
  random: number,
): number {
  const ends = unavailabilities.flatMap(({ reason, untilMs }) => {
    if (reason === 'probing') return [untilMs]
    if (BUSY.includes(reason)) return [giveUpMs]
    return waitsOutCooldown === true && COOLING_DOWN.includes(reason) && untilMs < giveUpMs ? [untilMs] : []
  })
  const isOver = nowMs >= giveUpMs && ends.every((endMs) => endMs <= nowMs)
  // A reason that ended on the way is worth another look, within the patience.
  if (ends.length === 0 || isOver) return Infinity
  const areCooling = unavailabilities.every(({ reason }) => COOLING_DOWN.includes(reason))
  const pauseMs = Math.min(AGAIN_MS * 2 ** pauses, areCooling ? MAX_COOLDOWN_LOOK_MS : MAX_AGAIN_MS)
  return Math.min(nowMs + pauseMs * (0.75 + random / 2), ...[giveUpMs, ...ends].filter((endMs) => endMs > nowMs))
}
