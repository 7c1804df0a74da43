import type { FreeAnswers } from '../ledger/usage'

/** Requests that a Worker may admit by itself. The team withholds them from the limits of their key and its own. */
export interface Lease {
  requests: number
  /** The end of the lease in the team's books, in ms since 1970. Its report names it by that. */
  endsMs: number
}

/** The use of one lease since its last report. */
export interface LeaseUse extends Pick<Lease, 'endsMs'> {
  used: number
  /** Requests that the Worker gives back, since the lease has ended. */
  unused: number
}

/** The use of a key's leases in one Worker, and the answers that cost nothing, since the last report. */
export interface LeaseReport {
  /** The id of the key. */
  key: string
  uses: LeaseUse[]
  /** The time since the last report, in ms. */
  sinceMs: number
  /** The requests that the Worker still holds. */
  left: number
  free: FreeAnswers[]
}

/** The time for which a Worker uses a lease, in ms: stored answers may outlast a revocation by as much. */
export const LEASE_MS = 20_000

/** The time for a report after the end of a lease, in ms. Requests without a report count as used. */
const REPORT_GRACE_MS = 5000
/** Leases that end within the same 5 s share a slot of their meter. */
const SLOT_MS = 5000

/** The end of a lease in the team's books, in ms since 1970. */
export const leaseEndMs = (nowMs: number): number => Math.ceil((nowMs + LEASE_MS + REPORT_GRACE_MS) / SLOT_MS) * SLOT_MS
