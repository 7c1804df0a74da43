import { configOf } from '../config'
import { INCORRECT_API_KEY } from '../credentials/caller'
import type { Failure } from '../failures/errors'
import type { Order } from '../ledger/entry'
import { refuseDisallowed } from '../limits/limits'
import { modelResolver } from '../upstreams/names'
import type { LimitedKey } from './accounting'
import { isActiveKey, type Key, type Keys, STATIC_KEY } from './keys'
import type { TeamLifecycle } from './lifecycle'
import { effectiveLimits } from './profile'

/** The keys of a team with the limits that their requests have to fit. */
export class KeyLimits {
  readonly #env: Env
  readonly #lifecycle: TeamLifecycle
  readonly #keys: Keys

  constructor(env: Env, lifecycle: TeamLifecycle, keys: Keys) {
    this.#env = env
    this.#lifecycle = lifecycle
    this.#keys = keys
  }

  /** A key with the limits of its team. */
  withLimits(key: Key): LimitedKey {
    const { profile } = this.#lifecycle
    return { key, teamLimits: profile ? effectiveLimits(profile, configOf(this.#env)) : {} }
  }

  /** The key of an id; the static key if the team has none of that id. */
  readonly limitedKeyOf = (keyId: string): LimitedKey =>
    this.withLimits((this.#lifecycle.profile && this.#keys.byId(keyId)) ?? STATIC_KEY)

  /**
   * Refuses an order of an inactive key, or one beyond the models and sizes of its limits. A lease may have admitted it
   * by older ones.
   */
  refuseDisallowed(order: Order, nowMs: number): Failure | undefined {
    const { key, teamLimits } = this.limitedKeyOf(order.key)
    if (!this.#lifecycle.profile || key.id !== order.key || !isActiveKey(key, nowMs)) return INCORRECT_API_KEY
    const meant = modelResolver(configOf(this.#env), nowMs)
    return refuseDisallowed({ ...order, n: order.images }, [key.limits, teamLimits], meant)
  }
}
