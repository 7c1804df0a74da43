import { pause } from '../runtime/deadline'
import { type Result, unwrap } from '../failures/errors'
import { describe, log } from '../runtime/log'
import type { Admission } from '../limits/admission'
import { LEASE_MS, type LeaseReport } from '../limits/lease'
import { LeasePool } from '../limits/lease-pool'
import type { Caller } from '../credentials/caller'
import type { FreeAnswers } from '../ledger/usage'

/** The team of a caller. */
interface LeasingTeam {
  admit: (hash: string | undefined) => Promise<Result<Admission>>
  /** Sends a report once, since a second call would count twice. */
  reportUse: (report: LeaseReport, caller?: Caller) => Promise<Result<Admission> | undefined>
}

/** The way to the team of a request, and to work beyond its response. */
export interface LeasingContext {
  team: LeasingTeam
  waitUntil: (work: Promise<unknown>) => void
}

/** The leases of one key. */
interface KeyLease {
  caller: Caller
  pool: LeasePool
  /** A report is planned, or a renewal under way, until these times at most, in ms since 1970. */
  plannedUntilMs: number
  renewingUntilMs: number
}

/** The time in which the answers of a quiet key share a report, in ms. */
const REPORT_MS = 1000
/** The longest time for a renewal, in ms. Its request may end before the reply. */
const RENEWAL_MS = 15_000

const nameOf = ({ team, keyHash }: Caller): string => `${team}/${keyHash}`

/**
 * The leases of one isolate. The requests of a key with a lease wait for no call; reports and renewals follow the answers.
 * Requests share no promise, since one ends with its request.
 */
export class KeyLeases {
  readonly #held = new Map<string, KeyLease>()
  /** The number of recalls; an admission from before one brings no lease. */
  #recalls = 0

  /** Admits a request by a lease of its key, or else by its team. Throws GatewayError for a key that is not valid. */
  async admit(caller: Caller, context: LeasingContext): Promise<Admission> {
    const leased = this.#take(caller, context)
    if (leased) return leased
    const recalls = this.#recalls
    const admission = unwrap(await context.team.admit(caller.keyHash))
    // The last requests of a limit may have come here as a lease meanwhile.
    if (admission.refusal) return this.#take(caller, context) ?? admission
    if (recalls === this.#recalls) this.#keep(caller, admission, context)
    return admission
  }

  /** Counts an answer that cost nothing. */
  countFree(caller: Caller, { payer: { key } }: Admission, answer: FreeAnswers, context: LeasingContext): void {
    const held = this.#held.get(nameOf(caller))
    if (held) {
      held.pool.count(answer)
      return this.#renewInTime(held, context)
    }
    context.waitUntil(reported(caller, { key, uses: [], sinceMs: 0, left: 0, free: [answer] }, context.team))
  }

  /** Counts new images of a caller. Its team knows them already. */
  countImages(caller: Caller, images: number): void {
    this.#held.get(nameOf(caller))?.pool.countImages(images)
  }

  /** Ends the leases of a team, so that a change of its settings applies to the next request. */
  recall(team: string): void {
    this.#recalls += 1
    for (const held of this.#held.values()) {
      if (held.caller.team !== team) continue
      held.pool.end()
      this.#drop(held)
    }
  }

  /** Forgets all leases without their reports. */
  forget(): void {
    for (const { pool } of this.#held.values()) pool.clear()
    this.#held.clear()
  }

  #take(caller: Caller, context: LeasingContext): Admission | undefined {
    const held = this.#held.get(nameOf(caller))
    const admission = held?.pool.take(Date.now())
    if (held && admission) this.#renewInTime(held, context)
    return admission
  }

  /** Concurrent requests can each return with a lease. */
  #keep(caller: Caller, admission: Admission, context: LeasingContext): void {
    const [name, now] = [nameOf(caller), Date.now()]
    const known = this.#held.get(name)
    if (known) known.pool.add(admission, now)
    if (!admission.lease) return
    const held = known ?? { caller, pool: new LeasePool(admission, now), plannedUntilMs: 0, renewingUntilMs: 0 }
    this.#held.set(name, held)
    this.#endInTime(held, context)
  }

  /** Renews leases at once if few requests are left, and otherwise within a second. */
  #renewInTime(held: KeyLease, context: LeasingContext): void {
    const now = Date.now()
    if (held.pool.isLow) {
      if (held.renewingUntilMs <= now) context.waitUntil(this.#renew(held, context))
    } else if (held.plannedUntilMs <= now) {
      held.plannedUntilMs = now + REPORT_MS + RENEWAL_MS
      context.waitUntil(pause(REPORT_MS).then(() => this.#renew(held, context)))
    }
  }

  /** Reports the use of leases, and adds the next one. Never throws. */
  async #renew(held: KeyLease, context: LeasingContext): Promise<void> {
    const { caller, pool } = held
    const now = Date.now()
    held.plannedUntilMs = 0
    const report = pool.report(now)
    if (!report) return
    held.renewingUntilMs = now + RENEWAL_MS
    const renewed = await reported(caller, report, context.team, true)
    held.renewingUntilMs = 0
    pool.reported(renewed?.ok ? renewed.value : undefined, Date.now())
    if (renewed?.ok && this.#holds(held)) return this.#endInTime(held, context)
    // The key is not valid any more, or its leases were recalled. Without a reply, those in hand go on.
    if (!renewed && this.#holds(held)) return
    pool.end()
    this.#drop(held)
    await giveBack(held, context.team)
  }

  /** Gives the rest of a lease back at its end. */
  #endInTime(held: KeyLease, { team, waitUntil }: LeasingContext): void {
    const end = async (): Promise<void> => {
      if (held.pool.hasEnded(Date.now())) await giveBack(held, team)
      if (held.pool.isEmpty) this.#drop(held)
    }
    waitUntil(pause(LEASE_MS).then(end))
  }

  #holds(held: KeyLease): boolean {
    return this.#held.get(nameOf(held.caller)) === held
  }

  #drop(held: KeyLease): void {
    if (this.#holds(held)) this.#held.delete(nameOf(held.caller))
  }
}

async function giveBack({ caller, pool }: KeyLease, team: LeasingTeam): Promise<void> {
  const report = pool.report(Date.now())
  if (report) await reported(caller, report, team)
}

/** Sends a report. Without a reply its leases lapse at the team, and count as used. Never throws. */
async function reported(
  caller: Caller,
  report: LeaseReport,
  team: LeasingTeam,
  isRenewed = false,
): Promise<Result<Admission> | undefined> {
  try {
    return await team.reportUse(report, isRenewed ? caller : undefined)
  } catch (error) {
    log('answers-not-counted', { team: caller.team, key: report.key, ...describe(error) })
    return undefined
  }
}
