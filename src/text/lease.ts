import { reserve } from '../generation/effects/reserve'
import type { Held } from '../generation/outcome'
import type { Order, Payer } from '../ledger/entry'
import { repeat } from '../runtime/deadline'

/** The life of a lease, in ms: a Worker that dies holds money and concurrency for no longer. */
export const TEXT_LEASE_MS = 45_000
/** The time between two renewals, in ms. */
const RENEW_MS = 15_000

/** The reservation of a request for a text: a short lease, which its Worker renews while it works. */
export class TextLease {
  readonly #env: Env
  readonly #payer: Payer
  readonly #order: Order
  /** Whether an upstream may have been asked, and whether the team knows. At first it assumes so. */
  #isAsked = false
  #isKnown = false
  #stop: () => Promise<void> = async () => {}
  /** One renewal runs after the other: an older one that arrives last would undo the newer. */
  #newest: Promise<unknown> = Promise.resolve()

  constructor(env: Env, payer: Payer, order: Order) {
    this.#env = env
    this.#payer = payer
    this.#order = order
  }

  /** Reserves the money, and renews the lease from then on. */
  async take(): Promise<Held> {
    const taken = await this.#hold(true)
    if (taken.is === 'reserved') this.#stop = repeat(RENEW_MS, () => this.#renew())
    return taken
  }

  /** Notes that an upstream is about to be asked. */
  asked(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    if (!this.#isKnown) void this.#renew()
  }

  /** Ends the renewals, and waits for the last. A renewal after the settlement could reserve anew. */
  async end(): Promise<void> {
    await this.#stop()
    await this.#newest
  }

  /** Renews the lease after the renewals under way. Never throws. */
  #renew(): Promise<unknown> {
    this.#newest = this.#newest.then(() => this.#hold(this.#isAsked))
    return this.#newest
  }

  async #hold(isAsked: boolean): Promise<Held> {
    // It may arrive without a reply.
    if (!isAsked) this.#isKnown = false
    const held = await reserve(this.#env, this.#payer, { ...this.#order, isAsked }, { couldWait: false, isJob: false })
    if (isAsked && held.is === 'reserved') this.#isKnown = true
    return held
  }
}
