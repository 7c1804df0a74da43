import type { FreeAnswers } from '../ledger/usage'
import type { Admission } from './admission'
import { LEASE_MS, type LeaseReport, type LeaseUse } from './lease'
import { afterImages, afterLeased } from './limit-status'

/** A lease as its Worker holds it. */
interface HeldLease extends LeaseUse {
  left: number
  /** The end of its use, in ms since 1970. */
  untilMs: number
}

/** The leases of a key in one Worker. Their requests are admitted as the team admitted the last one that it saw. */
export class LeasePool {
  #leases: HeldLease[] = []
  readonly #free = new Map<string, FreeAnswers>()
  #admission: Admission
  #admittedMs: number
  /** The requests admitted since, and those of them in a report without a reply. */
  #admitted = 0
  #reporting = 0
  #reportedMs: number
  /** The requests that it held after the last lease. */
  #size = 0

  constructor(admission: Admission, nowMs: number) {
    this.#admission = admission
    this.#admittedMs = nowMs
    this.#reportedMs = nowMs
    this.add(admission, nowMs)
  }

  /** Ends the report under way, with the admission in its reply. */
  reported(admission: Admission | undefined, nowMs: number): void {
    // A later admission has counted the reported requests.
    if (admission && admission.number < this.#admission.number) this.#admitted -= this.#reporting
    this.#reporting = 0
    if (admission) this.add(admission, nowMs)
  }

  /** Admits a request; undefined without a request left. */
  take(nowMs: number): Admission | undefined {
    const lease = this.#leases.find(({ left, untilMs }) => left > 0 && nowMs < untilMs)
    if (!lease) return undefined
    lease.left -= 1
    lease.used += 1
    this.#admitted += 1
    const limitStatuses = afterLeased(this.#admission.limitStatuses, this.#admitted, nowMs - this.#admittedMs)
    return { ...this.#admission, limitStatuses }
  }

  /** Adds the lease of an admission. */
  add(admission: Admission, nowMs: number): void {
    const { lease } = admission
    if (lease) {
      const held = { endsMs: lease.endsMs, used: 0, unused: 0, left: lease.requests, untilMs: nowMs + LEASE_MS }
      this.#leases.push(held)
    }
    this.#size = this.#left
    if (admission.number < this.#admission.number) return
    this.#admission = admission
    this.#admittedMs = nowMs
    this.#admitted = this.#reporting + this.#leases.reduce((sum, { used }) => sum + used, 0)
  }

  /** Counts an answer that cost nothing. */
  count(answer: FreeAnswers): void {
    const name = `${answer.model}\n${answer.upstream}`
    const { hits = 0, joins = 0, saved = 0 } = this.#free.get(name) ?? {}
    const sums = { hits: hits + answer.hits, joins: joins + answer.joins, saved: saved + answer.saved }
    this.#free.set(name, { ...answer, ...sums })
  }

  /** Takes new images from the limits that its requests see. The next admission has them counted. */
  countImages(images: number): void {
    this.#admission = { ...this.#admission, limitStatuses: afterImages(this.#admission.limitStatuses, images) }
  }

  /** Whether fewer than half of its requests are left. */
  get isLow(): boolean {
    return this.#left < this.#size / 2
  }

  /** Ends every lease: the next report gives the rest back. */
  end(): void {
    for (const lease of this.#leases) lease.untilMs = 0
  }

  /** Forgets its leases and all that it has to report. */
  clear(): void {
    this.#leases = []
    this.#free.clear()
  }

  /** Whether a lease with requests left has ended. */
  hasEnded(nowMs: number): boolean {
    return this.#leases.some(({ untilMs }) => untilMs <= nowMs)
  }

  /** The use since the last report, which it forgets; undefined without any. */
  report(nowMs: number): LeaseReport | undefined {
    for (const lease of this.#leases) if (lease.untilMs <= nowMs) [lease.unused, lease.left] = [lease.left, 0]
    const uses = this.#leases.flatMap(({ endsMs, used, unused }) =>
      used + unused > 0 ? [{ endsMs, used, unused }] : [],
    )
    const free = [...this.#free.values()]
    if (uses.length === 0 && free.length === 0) return undefined
    const report = { key: this.#admission.payer.key, uses, sinceMs: nowMs - this.#reportedMs, left: this.#left, free }
    this.#reporting = uses.reduce((sum, { used }) => sum + used, 0)
    for (const lease of this.#leases) [lease.used, lease.unused] = [0, 0]
    this.#leases = this.#leases.filter(({ left }) => left > 0)
    this.#free.clear()
    this.#reportedMs = nowMs
    return report
  }

  /** Whether it has neither a lease nor anything to report. */
  get isEmpty(): boolean {
    return this.#leases.length === 0 && this.#free.size === 0
  }

  get #left(): number {
    return this.#leases.reduce((sum, { left }) => sum + left, 0)
  }
}
