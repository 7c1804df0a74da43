import { DAY_MS, MINUTE_MS } from '../runtime/durations'
import { isOnRequests, type LimitStatus } from '../limits/limit-status'
import type { LeaseReport } from '../limits/lease'

/** The requests that a Worker holds of a quiet key. */
const QUIET_REQUESTS = 4
/** The most requests that a Worker holds of a key. */
const MAX_REQUESTS = 500
/** The requests of a busy key last for so long, in ms. */
const BUSY_MS = 2000
/** The shortest time for the rate of a key, in ms: two requests at once are no rate. */
const MIN_RATE_MS = 250
/** A lease takes at most this share of the remaining requests, so that the last ones are for any Worker. */
const MAX_SHARE_OF_REST = 1 / 8
/** All leases hold at most this share of a limit, or two requests. Lapsed ones count for a while: they are lost to it. */
const MAX_SHARE = 0.05
const FEW_REQUESTS = 2
/** The time for which lapsed requests count, in ms. They are a share of the limit's requests in that time. */
const LAPSES_COUNT_MS = { requests_per_minute: 10 * MINUTE_MS, requests_per_day: DAY_MS } as const

/** The number of requests that a Worker wants to hold, by its last report. */
export const wantedRequests = (report: LeaseReport | undefined): number => {
  if (!report) return QUIET_REQUESTS
  const used = report.uses.reduce((sum, use) => sum + use.used, 0)
  const lasting = Math.ceil((used * BUSY_MS) / Math.max(report.sinceMs, MIN_RATE_MS))
  return Math.max(0, Math.min(MAX_REQUESTS, Math.max(QUIET_REQUESTS, lasting)) - report.left)
}

/** Decides on the size of leases. No limit is exceeded, and at least 95 % of each can be used. */
export class LeasePolicy {
  /** The requests of leases that lapsed in the last day. */
  #lapses: { atMs: number; requests: number }[] = []

  /** Notes requests of leases that ended without a report. */
  lapsed(requests: number, nowMs: number): void {
    if (requests > 0) this.#lapses.push({ atMs: nowMs, requests })
    this.#lapses = this.#lapses.filter(({ atMs }) => nowMs - atMs < DAY_MS)
  }

  /** The size of a lease, in requests: the wanted ones, as far as each limit has room. */
  size(statuses: readonly LimitStatus[], wanted: number, nowMs: number): number {
    const rooms = statuses.filter(isOnRequests).map((status) => this.#roomOf(status, nowMs))
    return Math.max(0, Math.min(wanted, ...rooms))
  }

  #roomOf({ limit, max, remaining, leased }: LimitStatus, nowMs: number): number {
    const isOfMinute = limit === 'requests_per_minute'
    const countedMs = LAPSES_COUNT_MS[isOfMinute ? limit : 'requests_per_day']
    const all = isOfMinute ? max * (countedMs / MINUTE_MS) : max
    const lapsed = this.#lapses
      .filter(({ atMs }) => nowMs - atMs < countedMs)
      .reduce((sum, { requests }) => sum + requests, 0)
    return Math.min(
      Math.floor((remaining - leased) * MAX_SHARE_OF_REST),
      Math.max(FEW_REQUESTS, Math.floor(max * MAX_SHARE)) - leased,
      Math.floor(all * MAX_SHARE) - leased - lapsed,
    )
  }
}
