import { configOf } from '../../config'
import { withDeadline } from '../../runtime/deadline'
import { describe, log } from '../../runtime/log'
import { readEntries } from '../../runtime/stored'
import { askTeam } from '../../team/ask-team'
import type { Outbox } from '../outbox'
import { pendingSettlement, type PendingSettlement } from '../outcome'

/** The wait for the team's confirmation of a run's end, in ms. Its clients wait as long. */
const SETTLE_MS = 10_000
/** The time between two attempts, in ms. */
const AGAIN_MS = 30_000

const OWED = 'owed:'

/** Settles with a team, and reports whether it has a webhook; undefined for an unreachable team. */
export async function settle(
  env: Env,
  { team, settlement }: PendingSettlement,
): Promise<{ webhook: boolean } | undefined> {
  try {
    return await askTeam(env, team, async (stub) => await stub.settle(settlement))
  } catch (error) {
    log('settlement-delayed', { run: settlement.id, team, ...describe(error) })
    return undefined
  }
}

/** Settles with a team, and gives up the wait for its confirmation after a while. Never throws. */
export const settleInTime = (env: Env, pending: PendingSettlement): Promise<{ webhook: boolean } | undefined> =>
  withDeadline(SETTLE_MS, () => settle(env, pending)).catch(() => undefined)

/** The settlements that no run waits for, repeated until their teams confirm. */
export class OwedSettlements {
  readonly #storage: DurableObjectStorage
  readonly #env: Env
  readonly #outbox: Outbox
  readonly #owed: Map<string, PendingSettlement>

  constructor(storage: DurableObjectStorage, env: Env, outbox: Outbox) {
    this.#storage = storage
    this.#env = env
    this.#outbox = outbox
    this.#owed = readEntries(storage.kv, OWED, pendingSettlement)
  }

  /** Stores a settlement for the alarm. */
  add(pending: PendingSettlement, nowMs: number): void {
    const { id } = pending.settlement
    const owed = { ...pending, againMs: nowMs + AGAIN_MS }
    this.#owed.set(id, owed)
    this.#storage.kv.put<PendingSettlement>(OWED + id, owed)
  }

  /** Whether a reservation has a pending settlement. */
  has(reservation: string): boolean {
    return this.#owed.has(reservation)
  }

  /** The next attempts, in ms since 1970. */
  dues(nowMs: number): number[] {
    return [...this.#owed.values()].map(({ againMs = nowMs }) => againMs)
  }

  /** Settles with all teams. Never throws. */
  async settleAll(): Promise<void> {
    await Promise.all([...this.#owed.values()].map((pending) => this.#settle(pending)))
  }

  async #settle(pending: PendingSettlement): Promise<void> {
    const { id } = pending.settlement
    const confirmed = await settle(this.#env, pending)
    if (!this.#owed.has(id)) return
    if (!confirmed) return this.add(pending, Date.now())
    // Both happen in one step, so that a webhook receives each settlement once.
    this.#owed.delete(id)
    this.#storage.kv.delete(OWED + id)
    if (confirmed.webhook && pending.notice) this.#outbox.add(pending.notice, configOf(this.#env), Date.now())
  }
}
