import type { Failure } from '../failures/errors'
import { log } from '../runtime/log'
import { refuseRequest } from '../limits/admission'
import { type LimitScope, type LimitStatus, limitStatusesOf } from '../limits/limit-status'
import type { Cursor, Entry, EntryFilter, ListedEntries, Order, Settlement } from '../ledger/entry'
import { listEntries } from '../ledger/listing'
import { type ObjectStore, readEntry } from '../runtime/stored'
import type { Key } from './keys'
import { Ledger } from '../ledger/ledger'
import type { Limits } from '../limits/limits'
import { type Meter, meterAt, meterSchema, timeOfMeter } from '../limits/meter'
import { dayOf, monthOf } from '../runtime/calendar'
import { type FreeAnswers, UsageReports } from '../ledger/usage'

/** A key with the limits of its team; a request has to fit both sets of limits. */
export interface LimitedKey {
  key: Key
  teamLimits: Limits
}

/** Finds a key and its limits by the key's id. */
type LimitedKeyOf = (keyId: string) => LimitedKey

/** The storage entry of a meter: one for the team and one for each key. */
const meterEntry = (scope: LimitScope['name'], keyId: string | undefined): string =>
  `meter:${scope === 'key' ? keyId : scope}`

/** Counts and pays for a team: the ledger, and a meter for the team and for each key. */
export class Accounting {
  readonly #storage: ObjectStore
  readonly ledger: Ledger
  readonly usage: UsageReports

  constructor(storage: ObjectStore) {
    this.#storage = storage
    this.ledger = new Ledger(storage)
    this.usage = new UsageReports(storage.sql)
  }

  createTables(): void {
    this.ledger.createTables()
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

  /** Admits a request and counts it, together with the requests that `leaseFor` leases in advance. */
  admit(
    limited: LimitedKey,
    leaseFor: (statuses: readonly LimitStatus[]) => number,
    nowMs: number,
  ): { refusal: Failure | undefined; limitStatuses: LimitStatus[]; lease: number } {
    const scopes = this.scopes(limited, nowMs)
    const before = scopes.flatMap((scope) => limitStatusesOf(scope, nowMs))
    const refusal = refuseRequest(before)
    if (refusal) return { refusal, limitStatuses: before, lease: 0 }
    const lease = leaseFor(before)
    const after = this.#change(scopes, limited, ({ level, requests }) => ({
      level: level + 1 + lease,
      requests: requests + 1 + lease,
    }))
    return { refusal, limitStatuses: after.flatMap((scope) => limitStatusesOf(scope, nowMs)), lease }
  }

  /** Uncounts requests that were leased but not used. `leasedMs` is in ms since 1970. */
  returnLease(limited: LimitedKey, requests: number, leasedMs: number, nowMs: number): void {
    this.#change(this.scopes(limited, nowMs), limited, (meter) => ({
      level: Math.max(0, meter.level - requests),
      ...(meter.day === dayOf(leasedMs) ? { requests: Math.max(0, meter.requests - requests) } : {}),
    }))
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
    const { images, taken = images.length, cost = 0 } = settlement
    this.ledger.close(settlement, Math.max(nowMs, entry.started_ms))
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
    return readEntry(this.#storage.kv, meterEntry(name, key), meterSchema)
  }

  #change(scopes: readonly LimitScope[], { key }: LimitedKey, change: (meter: Meter) => Partial<Meter>): LimitScope[] {
    return scopes.map((scope) => {
      const meter: Meter = { ...scope.meter, ...change(scope.meter) }
      this.#storage.kv.put(meterEntry(scope.name, key.id), meter)
      return { ...scope, meter }
    })
  }
}

/** The cost in the meters of a run that may still be settled. */
const bookedCost = ({ status, cost }: Entry): number => (status === 'expired' ? (cost ?? 0) : 0)
