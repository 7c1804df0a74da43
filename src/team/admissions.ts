import { INCORRECT_API_KEY } from '../credentials/caller'
import { failed, ok, type Result } from '../failures/errors'
import type { FreeAnswers } from '../ledger/usage'
import type { Admission } from '../limits/admission'
import { KeyRates, type RatedAction } from '../limits/key-rates'
import type { Accounting } from './accounting'
import type { KeyLimits } from './key-limits'
import { isActiveKey, type Key, type Keys, STATIC_KEY } from './keys'
import { LeasePolicy } from './lease-policy'
import type { TeamLifecycle } from './lifecycle'

/** The key of a request, as its team checks it. */
export interface SentKey {
  /** The SHA-256 of its text, hex; undefined for the static key of the settings. */
  hash: string | undefined
  /** For a request that is a list: the lists of the key in a minute. */
  listsPerMinute?: number
}

/** The parts of a team that decide on a request. */
interface AdmissionParts {
  lifecycle: TeamLifecycle
  keys: Keys
  accounting: Accounting
  keyLimits: KeyLimits
}

/** Checks the keys of requests, and admits them by the limits. */
export class Admissions {
  readonly #parts: AdmissionParts
  /** Prepares the team for a request: the first use of the static key creates the default one. */
  readonly #prepare: (isStaticKey: boolean) => Promise<void>
  readonly #leases = new LeasePolicy()
  readonly #rates = new KeyRates()

  constructor(parts: AdmissionParts, prepare: (isStaticKey: boolean) => Promise<void>) {
    this.#parts = parts
    this.#prepare = prepare
  }

  /** The active key of a request. For a list it counts one, and refuses a key with more of them. */
  async authenticate({ hash, listsPerMinute }: SentKey): Promise<Result<Key>> {
    const { lifecycle, keys } = this.#parts
    await this.#prepare(hash === undefined)
    if (!lifecycle.profile) return failed(INCORRECT_API_KEY)
    const key = hash === undefined ? STATIC_KEY : keys.byHash(hash)
    if (!key || !isActiveKey(key, Date.now())) return failed(INCORRECT_API_KEY)
    const counted = listsPerMinute === undefined ? ok(undefined) : this.count('lists', key.id, listsPerMinute)
    return counted.ok ? ok(key) : counted
  }

  /** Counts an action of a key, or refuses it at more than `perMinute` actions a minute. */
  count(action: RatedAction, keyId: string, perMinute: number): Result<undefined> {
    const refusal = this.#rates.count(action, keyId, perMinute, Date.now())
    return refusal ? failed(refusal) : ok(undefined)
  }

  /** Admits a request by its key and the limits on requests. */
  async admit(hash: string | undefined): Promise<Result<Admission>> {
    const { lifecycle, accounting, keyLimits } = this.#parts
    const authenticated = await this.authenticate({ hash })
    if (!authenticated.ok) return authenticated
    if (!lifecycle.profile) return failed(INCORRECT_API_KEY)
    const [key, now] = [authenticated.value, Date.now()]
    const payer = { team: lifecycle.profile.id, key: key.id }
    const limited = keyLimits.withLimits(key)
    const limits = [key.limits, limited.teamLimits]
    const admitted = accounting.admit(limited, (statuses) => this.#leases.grant(key, statuses, now), now)
    const fresh = key.fresh ?? lifecycle.profile.fresh ?? false
    return ok({ payer, incarnation: lifecycle.incarnation, limits, fresh, ...admitted })
  }

  /** Uncounts the unused requests of a lease, and counts answers that cost nothing. */
  returnLease(keyId: string, unused: { requests: number; leasedMs: number }, answers: readonly FreeAnswers[]): void {
    const { lifecycle, accounting, keyLimits } = this.#parts
    const [now, limited] = [Date.now(), keyLimits.limitedKeyOf(keyId)]
    if (!lifecycle.profile || limited.key.id !== keyId) return
    if (unused.requests > 0) accounting.returnLease(limited, unused.requests, unused.leasedMs, now)
    accounting.countFree(keyId, answers, now)
  }
}
