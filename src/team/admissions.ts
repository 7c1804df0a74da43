import { type Caller, INCORRECT_API_KEY } from '../credentials/caller'
import { failed, ok, type Result } from '../failures/errors'
import type { Admission } from '../limits/admission'
import { KeyRates, type RatedAction } from '../limits/key-rates'
import { LEASE_MS, type LeaseReport } from '../limits/lease'
import type { LimitStatus } from '../limits/limit-status'
import type { Accounting } from './accounting'
import type { KeyLimits } from './key-limits'
import { isActiveKey, type Key, type Keys, STATIC_KEY } from './keys'
import { LeasePolicy, wantedRequests } from './lease-policy'
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
  lifecycle: Pick<TeamLifecycle, 'profile' | 'incarnation'>
  keys: Pick<Keys, 'byHash'>
  accounting: Accounting
  keyLimits: Pick<KeyLimits, 'withLimits' | 'limitedKeyOf'>
}

/** Checks the keys of requests, and admits them by the limits. */
export class Admissions {
  readonly #parts: AdmissionParts
  /** Prepares the team for a request: the first use of the static key creates the default one. */
  readonly #prepare: (isStaticKey: boolean) => Promise<void>
  readonly #leases = new LeasePolicy()
  readonly #rates = new KeyRates()
  /** Those of a new process are larger than those of an earlier one. */
  #number = Date.now()

  constructor(parts: AdmissionParts, prepare: (isStaticKey: boolean) => Promise<void>) {
    this.#parts = parts
    this.#prepare = prepare
  }

  /** The active key of a request. For a list it counts one, and refuses a key with more of them. */
  async authenticate({ hash, listsPerMinute }: SentKey): Promise<Result<Key>> {
    await this.#prepare(hash === undefined)
    const key = this.#activeKey(hash)
    if (!key) return failed(INCORRECT_API_KEY)
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
    const authenticated = await this.authenticate({ hash })
    return authenticated.ok ? this.#admitted(authenticated.value, undefined) : authenticated
  }

  /**
   * Counts the use of leases and the answers that cost nothing. The key of a caller gets further requests, if it is
   * active.
   */
  reportUse(report: LeaseReport, caller: Pick<Caller, 'keyHash'> | undefined): Result<Admission> | undefined {
    const key = caller && this.#activeKey(caller.keyHash)
    if (key) return this.#admitted(key, report)
    const { lifecycle, accounting, keyLimits } = this.#parts
    const [now, limited] = [Date.now(), keyLimits.limitedKeyOf(report.key)]
    if (lifecycle.profile && limited.key.id === report.key) {
      if (report.uses.length > 0) accounting.endLease(limited, report.uses, now)
      accounting.countFree(report.key, report.free, now)
    }
    return caller ? failed(INCORRECT_API_KEY) : undefined
  }

  #activeKey(hash: string | undefined): Key | undefined {
    const { lifecycle, keys } = this.#parts
    if (!lifecycle.profile) return undefined
    const key = hash === undefined ? STATIC_KEY : keys.byHash(hash)
    return key && isActiveKey(key, Date.now()) ? key : undefined
  }

  /** The admission of a request, or of further requests after the report of earlier ones. */
  #admitted(key: Key, report: LeaseReport | undefined): Result<Admission> {
    const { lifecycle, accounting, keyLimits } = this.#parts
    const { profile, incarnation } = lifecycle
    if (!profile) return failed(INCORRECT_API_KEY)
    const [now, limited] = [Date.now(), keyLimits.withLimits(key)]
    const leaseFor = (statuses: readonly LimitStatus[], lapsed: number): number => {
      this.#leases.lapsed(lapsed, now)
      return isActiveKey(key, now + LEASE_MS) ? this.#leases.size(statuses, wantedRequests(report), now) : 0
    }
    const admitted = report
      ? accounting.renewLease(limited, report.uses, leaseFor, now)
      : accounting.admit(limited, leaseFor, now)
    if (report) accounting.countFree(key.id, report.free, now)
    return ok({
      payer: { team: profile.id, key: key.id },
      incarnation,
      limits: [key.limits, limited.teamLimits],
      fresh: key.fresh ?? profile.fresh ?? false,
      number: ++this.#number,
      ...admitted,
    })
  }
}
