import type { ProviderError, Upstream } from '../providers/provider'
import type { UnavailabilityReason } from './health'

/** The kind and the facts of a failed call. */
export type CallFailure = Pick<ProviderError, 'kind' | 'facts'>

/** A failed call at an account. */
interface FailedCall extends CallFailure {
  came: 'failed'
  /** Undefined for a loss that speaks against no account of the route. */
  account?: string | undefined
  /** The end of the pause before another call of the account, in ms since 1970. */
  pausedUntilMs: number
  /** Whether an earlier process made the call. */
  isEarlier?: true
}

/** An event on the route of a request; `account` is an `accountKey`. */
export type RouteEvent =
  | FailedCall
  /** `cancelled` is an error of the gateway. */
  | { came: 'served' | 'cancelled'; account: string }
  | { came: 'unavailable'; account: string; reason: UnavailabilityReason }

/** The events of a request in their order. */
export type RouteHistory = readonly RouteEvent[]

/** A candidate by its account alone. */
export interface HasAccount {
  upstream: Pick<Upstream, 'name' | 'account'>
}

/** The name and the number of a candidate's account, as `relay/0`; unique among the candidates of a request. */
export const accountKey = ({ upstream: { name, account } }: HasAccount): string => `${name}/${account}`

/** A result that an earlier process lost; without a candidate, the settings have changed or the process has died. */
export const lossBefore = (candidate?: HasAccount, isUnusable?: true): RouteEvent => ({
  came: 'failed',
  account: candidate && accountKey(candidate),
  kind: 'lost',
  facts: { isUnusable },
  pausedUntilMs: 0,
  isEarlier: true,
})

/** The history with one more event. A waiting request meets the same reason again and again; it is noted once. */
export function withEvent(history: RouteHistory, event: RouteEvent): RouteHistory {
  const isKnown = event.came === 'unavailable' && history.some((each) => stepOf(each) === stepOf(event))
  return isKnown ? history : [...history, event]
}

/** The failures that count against candidates and the request, in their order. */
export function failuresIn(history: RouteHistory): FailedCall[] {
  const hasServed = (events: RouteHistory, account?: string): boolean =>
    events.some((each) => each.came === 'served' && (account === undefined || each.account === account))
  return history.flatMap((event, at) => {
    if (event.came !== 'failed') return []
    // After a success, a rejection concerns one image and not the request.
    if (event.kind === 'rejected' && hasServed(history.slice(0, at))) return []
    return event.kind === 'unavailable' && hasServed(history.slice(at), event.account) ? [] : [event]
  })
}

/** The called and the unavailable candidates, and their outcomes in order, as `relay/0 served`. */
export const stepsIn = (history: RouteHistory): string[] =>
  history.filter((event) => event.came !== 'failed' || !event.isEarlier).map(stepOf)

function stepOf(event: RouteEvent): string {
  if (event.came === 'failed') return `${event.account} ${event.kind}`
  return `${event.account} ${event.came === 'unavailable' ? event.reason : event.came}`
}
