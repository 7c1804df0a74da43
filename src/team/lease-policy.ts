import { isActiveKey, type Key } from './keys'
import type { LimitStatus } from '../limits/limit-status'

/** The life of a lease, in ms: cache hits of a busy key may outlast its revocation by as much. */
export const LEASE_MS = 1000

/** Only keys with more requests a second receive leases. */
const BUSY_REQUESTS_PER_SECOND = 10
/** The size of a lease, in requests. */
const [MIN_LEASE, MAX_LEASE] = [10, 100]
/** All leases of a second together hold at most this share of a limit, since they may stay unused. */
const MAX_LEASED_SHARE = 0.05

/** Grants leases to busy keys, from the requests of each key in this second and the one before. */
export class LeasePolicy {
  #second = 0
  #leasedInSecond = 0
  #admitted = new Map<string, number>()
  #admittedBefore = new Map<string, number>()

  /** Counts an admitted request of a key. Returns the number of further requests leased, 0 for a key that is not busy. */
  grant(key: Key, statuses: readonly LimitStatus[], nowMs: number): number {
    const second = Math.floor(nowMs / 1000)
    if (second !== this.#second) {
      this.#admittedBefore = second === this.#second + 1 ? this.#admitted : new Map()
      this.#admitted = new Map()
      this.#second = second
      this.#leasedInSecond = 0
    }
    const admitted = (this.#admitted.get(key.id) ?? 0) + 1
    this.#admitted.set(key.id, admitted)
    if (Math.max(admitted, this.#admittedBefore.get(key.id) ?? 0) <= BUSY_REQUESTS_PER_SECOND) return 0
    const room = statuses
      .filter(({ limit }) => limit === 'requests_per_minute' || limit === 'requests_per_day')
      .map(({ max, remaining }) => Math.min(remaining - 1, Math.floor(max * MAX_LEASED_SHARE) - this.#leasedInSecond))
    const lease = Math.min(MAX_LEASE, ...room)
    if (lease < MIN_LEASE || !isActiveKey(key, nowMs + LEASE_MS)) return 0
    this.#leasedInSecond += lease
    this.#admitted.set(key.id, admitted + lease)
    return lease
  }
}
