import { type Failure, type Result, failed, ok } from '../failures/errors'
import { withDeadline } from '../runtime/deadline'
import { describe, log } from '../runtime/log'
import type { LimitRefusal } from '../limits/admission'
import type { Reservations } from './reservations'
import type { Order, QueuedOrder } from '../ledger/entry'
import { type CalledOrder, OrderQueue } from './order-queue'

/** The effects of a turn outside of the queue. */
interface TurnCallbacks {
  /** Notifies the Generation object of its turn, or of a refusal; false if the run is no longer wanted. */
  turn: (order: Order, refusal: Failure | undefined) => Promise<boolean>
  /** Releases the reservation. */
  release: (order: Order) => Promise<unknown>
}

/** The time for the notice of a turn, in ms; the alarm repeats it. */
const NOTIFY_MS = 10_000

/**
 * The turns within a team, first come, first served.
 * An order that its own key's limits hold up is passed over, until another order of that key finishes.
 */
export class Turns {
  readonly #queue: OrderQueue
  readonly #reservations: Reservations
  readonly #calls: TurnCallbacks
  /** The orders with a call in progress. */
  readonly #notifying = new Set<string>()

  constructor(sql: SqlStorage, reservations: Reservations, calls: TurnCallbacks) {
    this.#queue = new OrderQueue(sql)
    this.#reservations = reservations
    this.#calls = calls
  }

  createTables(): void {
    this.#queue.createTables()
  }

  /** Whether any order has had its turn without its object being notified. */
  get hasUnnotified(): boolean {
    return this.#queue.called().length > 0
  }

  /** The number of orders before a waiting generation; undefined if it does not wait. */
  ordersBefore(generation: string): number | undefined {
    return this.#queue.ordersBefore(generation)
  }

  /** Reserves an order if none waits before it; otherwise queues it, if it may wait. */
  reserveOrQueue(order: Order, mayWait: boolean): Result<QueuedOrder | undefined> {
    const wasQueued = this.#queue.has(order.id)
    const isReserved = this.#reservations.isReserved(order)
    // A full team stops the queue before this order's own limits are looked at.
    const never = wasQueued || isReserved ? undefined : this.#reservations.refuseForGood(order)
    if (never) return failed(never)
    const isFirst = (!this.#queue.isWaiting && !this.#calledOf(order)) || isReserved
    const refusal = isFirst ? this.#reservations.reserve(order) : this.#reserveInTurn(order)
    if (!refusal) return ok(undefined)
    const { failure, heldUpBy } = refusal
    const final = mayWait && heldUpBy ? !wasQueued && this.#refuseQueueing(order, failure) : failure
    if (final) {
      this.#queue.leave(order.id)
      return failed(final)
    }
    this.#queue.join(order)
    return ok({ instead: failure })
  }

  /** Refuses one more order in the queue, in which this one may be already. */
  #refuseQueueing({ id, key }: Order, now: Failure): Failure | undefined {
    const own = Number(this.#queue.has(id))
    const others = { team: this.#queue.count() - own, key: this.#queue.count(key) - own }
    return this.#reservations.refuseQueueing(key, others, now)
  }

  #reserveInTurn(order: Order): LimitRefusal | undefined {
    this.#queue.join(order)
    const refusalOfKey = this.advance()
    const called = this.#calledOf(order)
    if (!called) return refusalOfKey(order.key)
    this.#queue.remove(order.id)
    return called.refusal && { failure: called.refusal }
  }

  #calledOf({ id }: Order): CalledOrder | undefined {
    return this.#queue.called().find(({ order }) => order.id === id)
  }

  /** Removes a waiting order from the queue; false if its turn has come. */
  leave(id: string): boolean {
    const isWaiting = this.#queue.leave(id)
    if (isWaiting) this.advance()
    return isWaiting
  }

  /** Reserves waiting orders as far as the limits allow. Returns the refusal that holds up the orders of a key. */
  advance(): (key: string) => LimitRefusal | undefined {
    const passedOver = new Map<string, LimitRefusal>()
    for (;;) {
      const next = this.#queue.next([...passedOver.keys()])
      const refusal = next && this.#reservations.reserve(next)
      if (!next || refusal?.heldUpBy === 'team') return (key) => passedOver.get(key) ?? refusal
      if (refusal?.heldUpBy === 'key') passedOver.set(next.key, refusal)
      else this.#queue.call(next.id, refusal?.failure)
    }
  }

  /** Notifies the objects of orders after their turn; the alarm repeats a call that fails. Never throws. */
  async notifyCalled(): Promise<void> {
    const due = this.#queue.called().filter(({ order }) => !this.#notifying.has(order.id))
    const calls = due.map(({ order, refusal }) => this.#notify(order, refusal))
    const released = await Promise.all(calls)
    if (!released.includes(true)) return
    this.advance()
    await this.notifyCalled()
  }

  /** Notifies one object. Returns true if the run was no longer wanted and its reservation is released. */
  async #notify(order: Order, refusal: Failure | undefined): Promise<boolean> {
    this.#notifying.add(order.id)
    try {
      const isWanted = await withDeadline(NOTIFY_MS, () => this.#calls.turn(order, refusal))
      this.#queue.remove(order.id)
      if (isWanted || refusal) return false
      await this.#calls.release(order)
      return true
    } catch (error) {
      log('turn-not-notified', { generation: order.generation, run: order.id, ...describe(error) })
      return false
    } finally {
      this.#notifying.delete(order.id)
    }
  }
}
