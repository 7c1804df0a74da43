import { log } from '../runtime/log'
import { ArchiveIndex } from '../ledger/archive-index'
import { type Admission, refuseRequest } from '../limits/admission'
import { leaseEndMs, type LeaseUse } from '../limits/lease'
import { type LimitScope, type LimitStatus, limitStatusesOf, withoutLeased } from '../limits/limit-status'
import type { Cursor, Entry, EntryFilter, ListedEntries, Order, Settlement } from '../ledger/entry'
import { ChangedDays } from '../ledger/changed-days'
import { listEntries } from '../ledger/listing'
import { type ObjectStore, readEntry } from '../runtime/stored'
import type { Key } from './keys'
import { Ledger } from '../ledger/ledger'
import { type Limits, limitsRequests } from '../limits/limits'
import {
  lapsedIn,
  type Meter,
  meterAt,
  meterSchema,
  timeOfMeter,
  withLease,
  withLeaseUse,
  withRequests,
} from '../limits/meter'
import { dayOf, monthOf } from '../runtime/calendar'
import { type FreeAnswers, UsageReports } from '../ledger/usage'

/** A key with the limits of its team; a request has to fit both sets of limits. */
export interface LimitedKey {
  key: Key
  teamLimits: Limits
}

/** Finds a key and its limits by the key's id. */
type LimitedKeyOf = (keyId: string) => LimitedKey

/** The decision on a request by the limits, and the lease that comes with it. */
type RequestAdmission = Pick<Admission, 'refusal' | 'limitStatuses' | 'lease'>

/** The size of a lease by the limits, and by the requests of leases that lapsed. */
type LeaseFor = (statuses: readonly LimitStatus[], lapsed: number) => number

/** The storage entry of a meter: one for the team and one for each key. */
const meterEntry = (scope: LimitScope['name'], keyId: string | undefined): string =>
  `meter:${scope === 'key' ? keyId : scope}`

/** Counts and pays for a team: the ledger, its archive, and a meter for the team and for each key. */
export class Accounting {
  readonly #storage: ObjectStore
  readonly ledger: Ledger
  readonly archive: ArchiveIndex
  readonly usage: UsageReports
  /** Meters with requests that no limit counts, by their storage entries. */
  readonly #unstored = new Map<string, Meter>()
  readonly changes: ChangedDays

  constructor(storage: ObjectStore) {
    this.#storage = storage
    this.ledger = new Ledger(storage)
    this.archive = new ArchiveIndex(storage.sql)
    this.usage = new UsageReports(storage)
    this.changes = new ChangedDays(storage.kv)
  }

  createTables(): void {
    this.ledger.createTables()
    this.archive.createTables()
    this.usage.createTables()
  }

  /** A page of the entries for images. */
  list(filter: Pick<EntryFilter, 'key'>, limit: number, after?: Cursor): ListedEntries {
    return listEntries(this.#storage.sql, filter, limit, after)
  }

  /** The status of each limit of the key and of the team. */
  limitStatuses(limited: LimitedKey, nowMs: number): LimitStatus[] {
    return this.scopes(limited, nowMs).flatMap((scope) => limitStatusesOf(scope, nowMs))
  }

  /** Admits a request and counts it, and withholds the requests of a lease. */
  admit(limited: LimitedKey, leaseFor: LeaseFor, nowMs: number): RequestAdmission {
    const scopes = this.scopes(limited, nowMs)
    const limitStatuses = withoutLeased(scopes.flatMap((scope) => limitStatusesOf(scope, nowMs)))
    const refusal = refuseRequest(limitStatuses)
    if (refusal) return { refusal, limitStatuses, lease: undefined }
    const counted = scopes.map((scope) => ({ ...scope, meter: withRequests(scope.meter, 1) }))
    return { refusal, ...this.#lend(counted, limited, leaseFor, nowMs) }
  }

  /** Counts the use of leases, and withholds the requests of the next one. */
  renewLease(limited: LimitedKey, uses: readonly LeaseUse[], leaseFor: LeaseFor, nowMs: number): RequestAdmission {
    const scopes = this.#reported(limited, uses, nowMs)
    return { refusal: undefined, ...this.#lend(scopes, limited, leaseFor, nowMs) }
  }

  /** Counts the use of leases, and frees the unused requests of those that ended. */
  endLease(limited: LimitedKey, uses: readonly LeaseUse[], nowMs: number): void {
    this.#storeRequests(this.#reported(limited, uses, nowMs), limited)
  }

  #reported(limited: LimitedKey, uses: readonly LeaseUse[], nowMs: number): LimitScope[] {
    return this.scopes(limited, nowMs).map((scope) => {
      const count = (meter: Meter, use: LeaseUse): Meter =>
        limitsRequests(scope.limits) ? withLeaseUse(meter, use) : withRequests(meter, use.used)
      return { ...scope, meter: uses.reduce(count, scope.meter) }
    })
  }

  /** Withholds the requests of a lease, and stores the meters. */
  #lend(
    scopes: LimitScope[],
    limited: LimitedKey,
    leaseFor: LeaseFor,
    nowMs: number,
  ): Omit<RequestAdmission, 'refusal'> {
    const limitStatuses = scopes.flatMap((scope) => limitStatusesOf(scope, nowMs))
    const lease = { requests: leaseFor(limitStatuses, this.#lapsed(limited, nowMs)), endsMs: leaseEndMs(nowMs) }
    const lent = scopes.map((scope) =>
      limitsRequests(scope.limits) ? { ...scope, meter: withLease(scope.meter, lease) } : scope,
    )
    this.#storeRequests(lent, limited)
    return { limitStatuses, lease: lease.requests > 0 ? lease : undefined }
  }

  /** The requests of leases that have lapsed since a meter of the key or of the team was stored. */
  #lapsed({ key }: LimitedKey, nowMs: number): number {
    return Math.max(lapsedIn(this.#meter('team', undefined), nowMs), lapsedIn(this.#meter('key', key.id), nowMs))
  }

  /** Reserves the quote of a run and counts its images. An expired run is booked no longer. */
  open(order: Order, limitedKeyOf: LimitedKeyOf, nowMs: number): void {
    const [expired, limited] = [this.ledger.entry(order.id), limitedKeyOf(order.key)]
    const scopes = this.scopes(limited, nowMs)
    this.ledger.open(order, this.#timeMs(nowMs))
    this.#change(scopes, limited, ({ images }) => ({ images: images + order.images }))
    if (expired) this.#correct(expired, limited, 0, -bookedCost(expired), nowMs)
  }

  /** Records the outcome of a run that is running or expired. A deleted run keeps no images. */
  close(settlement: Settlement, limitedKeyOf: LimitedKeyOf, nowMs: number): void {
    const entry = this.ledger.entry(settlement.id)
    if (!entry) return
    const counted = entry.status === 'running' ? entry.n : 0
    const { images, taken = images.length, cost = 0, endedMs = nowMs } = settlement
    this.ledger.close(settlement, Math.max(endedMs, entry.started_ms))
    this.#correct(entry, limitedKeyOf(entry.key), taken - counted, cost - bookedCost(entry), nowMs)
    if (entry.deleted_ms !== null) this.ledger.keepNone(entry.id)
  }

  /** Releases reservations that no settlement ended in time. */
  expire(limitedKeyOf: LimitedKeyOf, nowMs: number): void {
    const expired = this.#storage.transactionSync(() => {
      const entries = this.ledger.expire(nowMs)
      for (const entry of entries) this.#correct(entry, limitedKeyOf(entry.key), -entry.n, bookedCost(entry), nowMs)
      return entries
    })
    for (const { id, generation } of expired) log('reservation-expired', { run: id, generation })
  }

  /** Records the deletion of images of an entry, by its place. */
  discard(at: Cursor, images: readonly string[], nowMs: number): void {
    if (this.ledger.entry(at.id)) this.ledger.discard(at.id, images, nowMs)
    else this.archive.discard(at, images, nowMs)
  }

  /** Corrects the meters if the day or the month of the run's start is still the current one. */
  #correct(entry: Entry, limited: LimitedKey, images: number, cost: number, nowMs: number): void {
    const [day, month] = [dayOf(entry.started_ms), monthOf(entry.started_ms)]
    this.#change(this.scopes(limited, nowMs), limited, (meter) => ({
      ...(meter.day === day ? { images: Math.max(0, meter.images + images) } : {}),
      ...(meter.month === month ? { spent: meter.spent + cost } : {}),
    }))
  }

  /** Counts free answers of a key. */
  countFree(key: string, answers: readonly FreeAnswers[], nowMs: number): void {
    this.usage.count(dayOf(this.#timeMs(nowMs)), key, answers)
  }

  /** The time that decides on the day and the month of all that counts. */
  #timeMs(nowMs: number): number {
    return timeOfMeter(this.#meter('team', undefined), nowMs)
  }

  /** The limits of the key and of the team, with their use. */
  scopes({ key, teamLimits }: LimitedKey, nowMs: number): LimitScope[] {
    return [this.#scope('key', key.id, key.limits, nowMs), this.#scope('team', undefined, teamLimits, nowMs)]
  }

  #scope(name: LimitScope['name'], key: string | undefined, limits: Limits, nowMs: number): LimitScope {
    const meter = meterAt(this.#meter(name, key), limits, nowMs, this.#timeMs(nowMs))
    const isCounted = typeof limits.concurrency === 'number' || typeof limits.budget_usd === 'number'
    return { name, limits, meter, ...(isCounted ? this.ledger.running(key) : { running: 0, reserved: 0 }) }
  }

  #meter(name: LimitScope['name'], key: string | undefined): Meter | undefined {
    const entry = meterEntry(name, key)
    return this.#unstored.get(entry) ?? readEntry(this.#storage.kv, entry, meterSchema)
  }

  #change(scopes: readonly LimitScope[], { key }: LimitedKey, change: (meter: Meter) => Partial<Meter>): void {
    for (const scope of scopes) this.#store(meterEntry(scope.name, key.id), { ...scope.meter, ...change(scope.meter) })
  }

  /** Stores the meters of limits on requests. Without such a limit, requests are stored with the next image. */
  #storeRequests(scopes: readonly LimitScope[], { key }: LimitedKey): void {
    for (const { name, limits, meter } of scopes) {
      const entry = meterEntry(name, key.id)
      if (limitsRequests(limits)) this.#store(entry, meter)
      else this.#unstored.set(entry, meter)
    }
  }

  #store(entry: string, meter: Meter): void {
    this.#unstored.delete(entry)
    this.#storage.kv.put(entry, meter)
  }
}

/** The cost in the meters of a run that may still be settled. */
const bookedCost = ({ status, cost }: Entry): number => (status === 'expired' ? (cost ?? 0) : 0)
