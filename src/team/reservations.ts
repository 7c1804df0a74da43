import { configOf } from '../config'
import { modelMeant } from '../upstreams/names'
import type { Refusal } from '../limits/admission'
import type { Accounting, Holder } from './accounting'
import { WRONG_KEY } from '../credentials/caller'
import type { TeamLifecycle } from './lifecycle'
import type { Order } from '../ledger/entry'
import { isGood, type Key, type Keys, STATIC_KEY } from './keys'
import { refuseAsked } from '../limits/limits'
import { limitsOf } from './profile'

/** Where a team takes orders: it knows whose limits hold for a key, and holds the money. Nothing here awaits. */
export class Reservations {
  readonly #env: Env
  readonly #charter: TeamLifecycle
  readonly #keys: Keys
  readonly #books: Accounting

  constructor(env: Env, charter: TeamLifecycle, keys: Keys, books: Accounting) {
    this.#env = env
    this.#charter = charter
    this.#keys = keys
    this.#books = books
  }

  /** Whose limits hold for a key. */
  holder(key: Key): Holder {
    const { profile } = this.#charter
    return { key, teamLimits: profile ? limitsOf(profile, configOf(this.#env)) : {} }
  }

  /** The same by the key's id; the static key's, where there is none of that. */
  holderOf(keyId: string): Holder {
    return this.holder((this.#charter.profile && this.#keys.byId(keyId)) ?? STATIC_KEY)
  }

  /** Whether the money of an order is held already, as that of a run is whose process died. */
  isHeld({ id }: Order): boolean {
    return this.#books.ledger.entry(id)?.status === 'running'
  }

  /** Holds the money for an order, or tells why not. A lease may have let it in by limits that were changed since. */
  hold(order: Order): Refusal | undefined {
    const [now, holder] = [Date.now(), this.holderOf(order.key)]
    if (!this.#charter.profile || holder.key.id !== order.key || !isGood(holder.key, now)) return { failure: WRONG_KEY }
    const meant = modelMeant(configOf(this.#env), now)
    const refusal = refuseAsked({ ...order, n: order.images }, [holder.key.limits, holder.teamLimits], meant)
    return refusal ? { failure: refusal } : this.#books.reserve(order, holder, now)
  }
}
