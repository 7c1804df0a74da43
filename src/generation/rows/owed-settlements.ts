import { configOf } from '../../config'
import { readEntries } from '../../runtime/stored'
import { settle } from '../effects/settle'
import { pendingSettlement, type PendingSettlement } from '../outcome'
import type { Outbox } from './outbox'

/** The time between two attempts, in ms. */
const AGAIN_MS = 30_000

const OWED = 'owed:'

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
    this.#owed = readEntries(storage.kv, OWED, (row) => pendingSettlement.parse(row))
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
