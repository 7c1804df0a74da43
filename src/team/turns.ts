import { type Failure, type Result, failed, ok } from '../runtime/errors'
import { describe, log } from '../runtime/log'
import type { LimitRefusal } from '../limits/admission'
import type { Reservations } from './reservations'
import type { Order, QueuedOrder } from '../ledger/entry'
import { type CalledOrder, OrderQueue } from './order-queue'

/** What becomes of an order whose turn has come. */
interface TurnCallbacks {
  /** Tells its object that the turn has come, or that it is refused; false where nobody wants it any more. */
  turn: (order: Order, refusal: Failure | undefined) => Promise<boolean>
  /** Lets go of its money again. */
  release: (order: Order) => Promise<unknown>
}

/**
 * Whose turn it is within a team: first come, first served. Only who is held up by the limits of its own key is passed
 * over, until one of that key's has finished.
 */
export class Turns {
  readonly #queue: OrderQueue
  readonly #reservations: Reservations
  readonly #calls: TurnCallbacks

  constructor(sql: SqlStorage, reservations: Reservations, calls: TurnCallbacks) {
    this.#queue = new OrderQueue(sql)
    this.#reservations = reservations
    this.#calls = calls
  }

  create(): void {
    this.#queue.create()
  }

  /** Whether there are generations whose turn has come and whose objects have yet to hear of it. */
  get hasUnnotified(): boolean {
    return this.#queue.called().length > 0
  }

  /** How many wait before a generation; undefined where it does not. */
  ordersBefore(generation: string): number | undefined {
    return this.#queue.ordersBefore(generation)
  }

  /** Holds the money for an order at once, where nobody waits before it or it had its turn; else it waits, if it may. */
  reserveOrQueue(order: Order, mayWait: boolean): Result<QueuedOrder | undefined> {
    const isFirst = (!this.#queue.isWaiting && !this.#calledOf(order)) || this.#reservations.isHeld(order)
    const refusal = isFirst ? this.#reservations.reserve(order) : this.#takeInTurn(order)
    if (!refusal) return ok(undefined)
    if (!mayWait || !refusal.heldBy) {
      this.#queue.leave(order.id)
      return failed(refusal.failure)
    }
    this.#queue.join(order)
    return ok({ instead: refusal.failure })
  }

  #takeInTurn(order: Order): LimitRefusal | undefined {
    this.#queue.join(order)
    const heldUp = this.advance()
    const called = this.#calledOf(order)
    if (!called) return heldUp(order.key)
    this.#queue.remove(order.id)
    return called.refusal && { failure: called.refusal }
  }

  #calledOf({ id }: Order): CalledOrder | undefined {
    return this.#queue.called().find(({ order }) => order.id === id)
  }

  /** Gives up a place in the queue; false where its turn has come. */
  leave(id: string): boolean {
    const isWaiting = this.#queue.leave(id)
    if (isWaiting) this.advance()
    return isWaiting
  }

  /** Calls as many as there is room for, and tells of each key what holds up those that it still has waiting. */
  advance(): (key: string) => LimitRefusal | undefined {
    const passedOver = new Map<string, LimitRefusal>()
    for (;;) {
      const next = this.#queue.next([...passedOver.keys()])
      const refusal = next && this.#reservations.reserve(next)
      if (!next || refusal?.heldBy === 'team') return (key) => passedOver.get(key) ?? refusal
      if (refusal?.heldBy === 'key') passedOver.set(next.key, refusal)
      else this.#queue.call(next.id, refusal?.failure)
    }
  }

  /** Tells the objects of those whose turn has come; whoever cannot be told is told again by the alarm. Never throws. */
  async notifyCalled(): Promise<void> {
    const calls = this.#queue.called().map(({ order, refusal }) => this.#tell(order, refusal))
    const released = await Promise.all(calls)
    if (!released.includes(true)) return
    this.advance()
    await this.notifyCalled()
  }

  /** Whether its money was let go of again, since nobody wants it any more. */
  async #tell(order: Order, refusal: Failure | undefined): Promise<boolean> {
    try {
      const isWanted = await this.#calls.turn(order, refusal)
      this.#queue.remove(order.id)
      if (isWanted || refusal) return false
      await this.#calls.release(order)
      return true
    } catch (error) {
      log('turn-not-told', { generation: order.generation, run: order.id, ...describe(error) })
      return false
    }
  }
}
