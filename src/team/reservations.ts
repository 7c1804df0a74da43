import { configOf } from '../config'
import { modelResolver } from '../upstreams/names'
import type { Failure } from '../failures/errors'
import { type LimitRefusal, refuseForGood, refuseQueueing } from '../limits/admission'
import type { LimitStatus } from '../limits/limit-status'
import type { Accounting, LimitedKey } from './accounting'
import { INCORRECT_API_KEY } from '../credentials/caller'
import type { TeamLifecycle } from './lifecycle'
import type { Order } from '../ledger/entry'
import { isActiveKey, type Key, type Keys, STATIC_KEY } from './keys'
import { refuseDisallowed } from '../limits/limits'
import { effectiveLimits } from './profile'

/** The caller has given the order up and settled it: a reservation would stay until it expires. */
export const TOO_LATE: Failure = {
  code: 'unavailable',
  message: 'The reservation came too late. Try again in a moment.',
  retryAfterMs: 1000,
}

/** Checks orders against keys and limits, and reserves their money. Nothing here awaits. */
export class Reservations {
  readonly #env: Env
  readonly #lifecycle: TeamLifecycle
  readonly #keys: Keys
  readonly #accounting: Accounting

  constructor(env: Env, lifecycle: TeamLifecycle, keys: Keys, accounting: Accounting) {
    this.#env = env
    this.#lifecycle = lifecycle
    this.#keys = keys
    this.#accounting = accounting
  }

  /** A key with the limits of its team. */
  withLimits(key: Key): LimitedKey {
    const { profile } = this.#lifecycle
    return { key, teamLimits: profile ? effectiveLimits(profile, configOf(this.#env)) : {} }
  }

  /** The key of an id; the static key if the team has none of that id. */
  readonly limitedKeyOf = (keyId: string): LimitedKey =>
    this.withLimits((this.#lifecycle.profile && this.#keys.byId(keyId)) ?? STATIC_KEY)

  /** Whether the money of an order is reserved, for example for a run that restarts after a crash. */
  isReserved({ id }: Order): boolean {
    return this.#accounting.ledger.entry(id)?.status === 'running'
  }

  /** Refuses one more waiting order of a key, by the numbers of those that wait. `now` is the refusal of its turn. */
  refuseQueueing(keyId: string, queued: { team: number; key: number }, now: Failure): Failure | undefined {
    const { key, teamLimits } = this.limitedKeyOf(keyId)
    const scopes = [
      { name: 'key', limits: key.limits, queued: queued.key },
      { name: 'team', limits: teamLimits, queued: queued.team },
    ] as const
    return refuseQueueing(scopes, now)
  }

  /** The refusal of an order that key and limits never allow, even unused; undefined if they may allow it. */
  refuseForGood(order: Order): Failure | undefined {
    const now = Date.now()
    const { images, quote } = order
    const statuses = (): LimitStatus[] => this.#accounting.limitStatuses(this.limitedKeyOf(order.key), now)
    return this.#refuseDisallowed(order, now) ?? refuseForGood(statuses(), { images, quote })
  }

  /** Reserves the money of an order. Key and limits are checked again: a lease may have admitted it by older ones. */
  reserve(order: Order): LimitRefusal | undefined {
    const now = Date.now()
    const failure = this.#refuseDisallowed(order, now)
    if (failure) return { failure }
    return this.#accounting.reserve(order, this.limitedKeyOf(order.key), this.limitedKeyOf, now)
  }

  /** Refuses an order of an inactive key, or one beyond the models and sizes of its limits. */
  #refuseDisallowed(order: Order, nowMs: number): Failure | undefined {
    const { key, teamLimits } = this.limitedKeyOf(order.key)
    if (!this.#lifecycle.profile || key.id !== order.key || !isActiveKey(key, nowMs)) return INCORRECT_API_KEY
    const meant = modelResolver(configOf(this.#env), nowMs)
    return refuseDisallowed({ ...order, n: order.images }, [key.limits, teamLimits], meant)
  }
}
