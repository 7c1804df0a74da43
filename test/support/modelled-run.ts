import type { Failure, Result } from '../../src/failures/errors'
import type { Order, QueuedOrder, Settlement } from '../../src/ledger/entry'

type Phase =
  | 'new'
  | 'asking'
  | 'waiting'
  | 'running'
  | 'leaving'
  | 'left'
  | 'settling'
  | 'refused'
  | 'withdrawn'
  | 'settled'

/** A run as its Generation object knows it. After a lost answer it is `asking` or `leaving`, and asks again. */
export class ModelledRun {
  readonly order: Order
  phase: Phase = 'new'
  settlement: Settlement | undefined
  /** The verdicts that ended its wait. */
  readonly verdicts: ('reserved' | 'refused')[] = []
  /** The places in the queue at which it was called. */
  readonly called = new Set<number>()
  hasExpired = false
  /** Whether the last reply to it reserved its money. */
  wasReserved = false

  constructor(order: Order) {
    this.order = order
  }

  is(...phases: Phase[]): boolean {
    return phases.includes(this.phase)
  }

  asked(result: Result<QueuedOrder | undefined> | undefined): void {
    // A repeated request came late.
    if (this.is('settled')) return
    this.wasReserved = result?.ok === true && !result.value
    if (!result) this.phase = this.is('running', 'leaving') ? this.phase : 'asking'
    else if (result.ok && result.value) this.phase = 'waiting'
    else if (this.is('leaving')) this.#end(result.ok)
    else this.#decided(result.ok ? undefined : result.failure)
  }

  withdrawn(wasWaiting: boolean | undefined): void {
    if (wasWaiting) this.phase = 'withdrawn'
    // Its money may be reserved, so it has to be settled.
    else if (wasWaiting === false && this.is('asking')) this.#end(true)
    else this.phase = this.is('waiting') ? 'leaving' : this.phase
  }

  /** Hears its verdict. False if it is no longer wanted. */
  turn(refusal: Failure | undefined): boolean {
    if (this.is('asking', 'waiting')) {
      this.#decided(refusal)
      return true
    }
    if (this.is('leaving')) this.phase = 'left'
    return this.is('running', 'settling')
  }

  /** The settlement of the run; `share` is the part of its quote that it has cost. */
  settle(share: number): Settlement {
    const { id, quote = 0, images } = this.order
    const files = Array.from({ length: images }, (_, index) => `images/${id}/${index}.png`)
    this.phase = 'settling'
    this.settlement ??= { ...CANCELLED, id, failure: undefined, cost: Math.floor(quote * share), images: files }
    return this.settlement
  }

  /** A run without a reservation has left: its request may still arrive, and nothing would settle that. */
  settled(isHeard: boolean): void {
    if (isHeard) this.phase = this.verdicts.includes('reserved') ? 'settled' : 'left'
  }

  #decided(refusal: Failure | undefined): void {
    if (this.is('running') && refusal) return this.#end(true)
    if (!this.is('running')) this.verdicts.push(refusal ? 'refused' : 'reserved')
    this.phase = refusal ? 'refused' : 'running'
  }

  /** Ends without a picture; money that may be reserved is given back. */
  #end(mayBeReserved: boolean): void {
    this.phase = mayBeReserved ? 'settling' : 'refused'
    this.settlement = { ...CANCELLED, id: this.order.id }
  }
}

const CANCELLED: Omit<Settlement, 'id'> = {
  failure: 'cancelled',
  cost: 0,
  images: [],
  attempts: 0,
  upstream: undefined,
}
