import type { Caller } from '../../src/credentials/caller'
import { KeyLeases, type LeasingContext } from '../../src/http/key-leases'
import type { Admission } from '../../src/limits/admission'
import type { Limits } from '../../src/limits/limits'
import { Accounting } from '../../src/team/accounting'
import { Admissions } from '../../src/team/admissions'
import type { Key } from '../../src/team/keys'
import { NodeStorage } from './node-storage'

const CALLER: Caller = { team: 'acme', keyHash: 'hash' }

/** The way to the team, in ms in each direction. */
const WAY_MS = 50

const way = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, WAY_MS))
const forever = (): Promise<never> => new Promise(() => {})

/** An isolate of the Worker. */
export interface Isolate {
  admit: () => Promise<Admission>
  /** Ends it without a word. */
  die: () => void
  isDead: boolean
}

/** A team with its real rules, and isolates far away from it, on the clock of the test. */
export class LeaseWorld {
  readonly #storage = new NodeStorage()
  readonly #limits: Limits
  #key: Key
  #admissions: Admissions
  /** The calls that the team has received. */
  calls = 0
  /** The times of requests and of admissions by leases or by the team, in ms since 1970. */
  readonly asked: number[] = []
  readonly admitted: number[] = []

  constructor(limits: Limits, ofKey: Limits = {}) {
    this.#limits = limits
    const times = { createdMs: 0, expiresMs: undefined, revokedMs: undefined }
    this.#key = { id: 'key', name: 'key', limits: ofKey, fresh: null, ...times }
    this.#admissions = this.#startTeam()
  }

  revokeKey(): void {
    this.#key = { ...this.#key, revokedMs: Date.now() }
  }

  /** Has the process of the team die; the next one has its storage. */
  restartTeam(): void {
    this.#admissions = this.#startTeam()
  }

  #startTeam(): Admissions {
    const accounting = new Accounting(this.#storage)
    accounting.createTables()
    const limited = (): { key: Key; teamLimits: Limits } => ({ key: this.#key, teamLimits: this.#limits })
    const profile = { id: 'acme', name: 'acme', plan: '', limits: this.#limits, createdMs: 0 }
    const keyLimits = { withLimits: limited, limitedKeyOf: limited }
    const keys = { byHash: () => this.#key }
    return new Admissions({ lifecycle: { profile, incarnation: 0 }, keys, keyLimits, accounting }, async () => {})
  }

  isolate(): Isolate {
    const leases = new KeyLeases()
    const call = async <Reply>(answer: () => Reply | Promise<Reply>): Promise<Reply> => {
      await way()
      if (isolate.isDead) return await forever()
      this.calls += 1
      const reply = await answer()
      await way()
      return isolate.isDead ? await forever() : structuredClone(reply)
    }
    const team: LeasingContext['team'] = {
      admit: (hash) => call(() => this.#admissions.admit(hash)),
      reportUse: (report, caller) => call(() => this.#admissions.reportUse(report, caller)),
    }
    const isolate: Isolate = {
      isDead: false,
      die: () => void (isolate.isDead = true),
      admit: async () => {
        this.asked.push(Date.now())
        const askedMs = Date.now()
        const admission = await leases.admit(CALLER, { team, waitUntil: () => {} })
        const isLeased = Date.now() === askedMs
        if (!admission.refusal) this.admitted.push(isLeased ? askedMs : Date.now() - WAY_MS)
        return admission
      },
    }
    return isolate
  }
}
