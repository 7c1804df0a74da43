import { configOf } from '../config'
import { modelMeant } from '../upstreams/names'
import type { LimitRefusal } from '../limits/admission'
import type { Accounting, LimitedKey } from './accounting'
import { INCORRECT_API_KEY } from '../credentials/caller'
import type { TeamLifecycle } from './lifecycle'
import type { Order } from '../ledger/entry'
import { isActiveKey, type Key, type Keys, STATIC_KEY } from './keys'
import { refuseDisallowed } from '../limits/limits'
import { effectiveLimits } from './profile'

/** Where a team takes orders: it knows whose limits hold for a key, and holds the money. Nothing here awaits. */
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

  /** Whose limits hold for a key. */
  withLimits(key: Key): LimitedKey {
    const { profile } = this.#lifecycle
    return { key, teamLimits: profile ? effectiveLimits(profile, configOf(this.#env)) : {} }
  }

  /** The same by the key's id; the static key's, where there is none of that. */
  keyById(keyId: string): LimitedKey {
    return this.withLimits((this.#lifecycle.profile && this.#keys.byId(keyId)) ?? STATIC_KEY)
  }

  /** Whether the money of an order is held already, as that of a run is whose process died. */
  isHeld({ id }: Order): boolean {
    return this.#accounting.ledger.entry(id)?.status === 'running'
  }

  /** Holds the money for an order, or tells why not. A lease may have let it in by limits that were changed since. */
  reserve(order: Order): LimitRefusal | undefined {
    const [now, holder] = [Date.now(), this.keyById(order.key)]
    if (!this.#lifecycle.profile || holder.key.id !== order.key || !isActiveKey(holder.key, now))
      return { failure: INCORRECT_API_KEY }
    const meant = modelMeant(configOf(this.#env), now)
    const refusal = refuseDisallowed({ ...order, n: order.images }, [holder.key.limits, holder.teamLimits], meant)
    return refusal ? { failure: refusal } : this.#accounting.reserve(order, holder, now)
  }
}
