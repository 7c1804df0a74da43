import { isActiveKey, type Key } from './keys'
import type { LimitStatus } from '../limits/limit-status'

/** For so long a busy key's cache hits may go on elsewhere after it was revoked or its limits were changed, in ms. */
export const LEASE_MS = 1000

/** A key that comes more often than this in a second is given a lease. */
const BUSY_REQUESTS_PER_SECOND = 10
/** As many requests as are worth a lease, at least and at most. */
const [MIN_LEASE, MAX_LEASE] = [10, 100]
/** All leases of a second together take no more than this share of a limit, since they may turn out not to be used. */
const MAX_LEASED_SHARE = 0.05

/** How many requests of each key were let in within this second and the one before, and how many were leased in this. */
export class LeasePolicy {
  #second = 0
  #leased = 0
  #admitted = new Map<string, number>()
  #before = new Map<string, number>()

  /** How many requests a key that is being let in may let in by itself after that, as far as limits of requests go. */
  grant(key: Key, statuses: readonly LimitStatus[], nowMs: number): number {
    const second = Math.floor(nowMs / 1000)
    if (second !== this.#second) {
      this.#before = second === this.#second + 1 ? this.#admitted : new Map()
      this.#admitted = new Map()
      this.#second = second
      this.#leased = 0
    }
    const admitted = (this.#admitted.get(key.id) ?? 0) + 1
    this.#admitted.set(key.id, admitted)
    if (Math.max(admitted, this.#before.get(key.id) ?? 0) <= BUSY_REQUESTS_PER_SECOND) return 0
    const room = statuses
      .filter(({ limit }) => limit === 'requests_per_minute' || limit === 'requests_per_day')
      .map(({ max, remaining }) => Math.min(remaining - 1, Math.floor(max * MAX_LEASED_SHARE) - this.#leased))
    const lease = Math.min(MAX_LEASE, ...room)
    if (lease < MIN_LEASE || !isActiveKey(key, nowMs + LEASE_MS)) return 0
    this.#leased += lease
    this.#admitted.set(key.id, admitted + lease)
    return lease
  }
}
