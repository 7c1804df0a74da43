import type { Failure } from '../runtime/errors'
import { log } from '../runtime/log'
import { type LimitRefusal, refuseGeneration, refuseRequest } from '../limits/admission'
import { type LimitScope, type LimitStatus, limitStatusesOf } from '../limits/limit-status'
import type { Entry, Order, Settlement } from '../ledger/entry'
import type { Key } from './keys'
import { Ledger } from '../ledger/ledger'
import type { Limits } from '../limits/limits'
import { dayOf, type Meter, meterAt, monthOf } from '../limits/meter'
import { UsageReports } from '../ledger/usage'

/** Whose limits are to be kept: a key's own and its team's. */
export interface LimitedKey {
  key: Key
  teamLimits: Limits
}

/** Finds the holder of a key by the key's id. */
type LimitedKeyOf = (key: string) => LimitedKey

/** Where the meter of a key, by its id, or of the team is kept. */
const meterKey = (scope: LimitScope['name'], key: string | undefined): string =>
  `meter:${scope === 'key' ? key : scope}`

/** What a team uses and spends: its ledger, and a meter for the team and for each key. Nothing here awaits. */
export class Accounting {
  readonly #storage: DurableObjectStorage
  readonly ledger: Ledger
  readonly usage: UsageReports

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.ledger = new Ledger(storage.sql)
    this.usage = new UsageReports(storage.sql)
  }

  create(): void {
    this.ledger.create()
    this.usage.create()
  }

  /** How every limit stands, of the key and of the team. */
  limitStatuses(holder: LimitedKey, nowMs: number): LimitStatus[] {
    return this.#scopes(holder, nowMs).flatMap((scope) => limitStatusesOf(scope, nowMs))
  }

  /** Lets a request in, if the limits allow it, and with it as many more as are leased. */
  admit(
    holder: LimitedKey,
    leaseFor: (statuses: readonly LimitStatus[]) => number,
    nowMs: number,
  ): { refusal: Failure | undefined; limitStatuses: LimitStatus[]; lease: number } {
    const scopes = this.#scopes(holder, nowMs)
    const before = scopes.flatMap((scope) => limitStatusesOf(scope, nowMs))
    const refusal = refuseRequest(before)
    if (refusal) return { refusal, limitStatuses: before, lease: 0 }
    const lease = leaseFor(before)
    const after = this.#change(scopes, holder, ({ level, requests }) => ({
      level: level + 1 + lease,
      requests: requests + 1 + lease,
    }))
    return { refusal, limitStatuses: after.flatMap((scope) => limitStatusesOf(scope, nowMs)), lease }
  }

  /** Gives back requests that were leased at a time, in ms since 1970, and did not come. */
  returnLease(holder: LimitedKey, requests: number, leasedMs: number, nowMs: number): void {
    this.#change(this.#scopes(holder, nowMs), holder, (meter) => ({
      level: Math.max(0, meter.level - requests),
      ...(meter.day === dayOf(leasedMs) ? { requests: Math.max(0, meter.requests - requests) } : {}),
    }))
  }

  /**
   * Holds the money for a generation, and counts its pictures: once, however often it is asked to, but then for longer; or
   * tells why not.
   */
  reserve(order: Order, holder: LimitedKey, nowMs: number): LimitRefusal | undefined {
    const known = this.ledger.entry(order.id)
    if (known?.status === 'running') this.ledger.extend(order, nowMs)
    if (known && known.status !== 'expired') return undefined
    const scopes = this.#scopes(holder, nowMs)
    const wanted = { images: order.images, quote: order.quote }
    const refusal = refuseGeneration(scopes, wanted, () => this.ledger.freeMs(nowMs), nowMs)
    if (refusal) return refusal
    this.ledger.open(order, nowMs)
    this.#change(scopes, holder, ({ images }) => ({ images: images + order.images }))
    return undefined
  }

  /**
   * Writes down what a generation came to, even if nobody waited for that any more; a second time changes nothing. False
   * where its pictures are not to be kept: it was deleted meanwhile, or these books never heard of it.
   */
  settle(settlement: Settlement, holderOf: LimitedKeyOf, nowMs: number): boolean {
    const entry = this.ledger.entry(settlement.id)
    if (!entry) return false
    if (entry.status !== 'running' && entry.status !== 'expired') return entry.deleted_ms === null
    this.ledger.close(settlement, nowMs)
    const counted = entry.status === 'running' ? entry.n : 0
    this.#correct(entry, holderOf(entry.key), settlement.images.length - counted, settlement.cost ?? 0, nowMs)
    if (entry.deleted_ms !== null) this.ledger.keepNone(entry.id)
    return entry.deleted_ms === null
  }

  /** Lets go of what is held for generations that nobody has settled in time. */
  expire(holderOf: LimitedKeyOf, nowMs: number): void {
    for (const entry of this.ledger.expire(nowMs)) {
      log('reservation-expired', { run: entry.id, generation: entry.generation })
      this.#correct(entry, holderOf(entry.key), -entry.n, 0, nowMs)
    }
  }

  /** Corrects the meters of the day and the month on which a generation began. */
  #correct(entry: Entry, holder: LimitedKey, images: number, cost: number, nowMs: number): void {
    const [day, month] = [dayOf(entry.started_ms), monthOf(entry.started_ms)]
    this.#change(this.#scopes(holder, nowMs), holder, (meter) => ({
      ...(meter.day === day ? { images: Math.max(0, meter.images + images) } : {}),
      ...(meter.month === month ? { spent: meter.spent + cost } : {}),
    }))
  }

  #scopes({ key, teamLimits }: LimitedKey, nowMs: number): LimitScope[] {
    return [this.#scope('key', key.id, key.limits, nowMs), this.#scope('team', undefined, teamLimits, nowMs)]
  }

  #scope(name: LimitScope['name'], key: string | undefined, limits: Limits, nowMs: number): LimitScope {
    const meter = meterAt(this.#storage.kv.get<Meter>(meterKey(name, key)), limits, nowMs)
    const isHeld = typeof limits.concurrency === 'number' || typeof limits.budget_usd === 'number'
    return { name, limits, meter, ...(isHeld ? this.ledger.running(key) : { running: 0, reserved: 0 }) }
  }

  #change(scopes: readonly LimitScope[], { key }: LimitedKey, change: (meter: Meter) => Partial<Meter>): LimitScope[] {
    return scopes.map((scope) => {
      const meter: Meter = { ...scope.meter, ...change(scope.meter) }
      this.#storage.kv.put(meterKey(scope.name, key.id), meter)
      return { ...scope, meter }
    })
  }
}
