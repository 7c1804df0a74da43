import { reserve } from '../generation/payment'
import type { Result } from '../failures/errors'
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
  #isKnown = true
  #stop: () => Promise<void> = async () => {}

  constructor(env: Env, payer: Payer, order: Order) {
    this.#env = env
    this.#payer = payer
    this.#order = order
  }

  /** Reserves the money, and renews the lease from then on. */
  async take(): Promise<Result<unknown>> {
    const taken = await this.#renew(true)
    if (taken.ok) this.#stop = repeat(RENEW_MS, () => this.#renew(this.#isAsked))
    return taken
  }

  /** Notes that an upstream is about to be asked. */
  asked(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    if (!this.#isKnown) void this.#renew(true)
  }

  /** Ends the renewals. A renewal after the settlement could reserve anew. */
  end(): Promise<void> {
    return this.#stop()
  }

  async #renew(isAsked: boolean): Promise<Result<unknown>> {
    this.#isKnown = isAsked
    return await reserve(this.#env, { payer: this.#payer }, { ...this.#order, isAsked }, false)
  }
}
