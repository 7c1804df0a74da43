import { type Failure, type Result, failed, ok } from '../failures/errors'
import type { JobFacts, Order, QueuedOrder, Settlement } from '../ledger/entry'
import { leaveRoom } from '../limits/admission'
import type { ObjectStore } from '../runtime/stored'
import type { Accounting } from './accounting'
import type { KeyLimits } from './key-limits'
import type { CalledOrder, OrderQueue } from './order-queue'
import {
  NEW_PASS,
  type OrderEffect,
  type OrderEvent,
  type OrderLimits,
  type OrderOutcome,
  passAfter,
  type QueuePass,
  orderTransition,
} from './order-transition'

/** The caller has given the order up and settled it: a reservation would stay until it expires. */
export const TOO_LATE: Failure = {
  code: 'unavailable',
  message: 'The reservation came too late. Try again in a moment.',
  retryAfterMs: 1000,
}

/**
 * The answer to an order, with the facts of a job. After `leavesRoom`, the limits do not wait for the settlement: the next
 * order fits as well.
 */
export type OrderAnswer = Result<QueuedOrder | undefined> & { leavesRoom?: true; facts?: JobFacts }

/** The storage and the rules of a team's orders. */
interface OrderParts {
  storage: Pick<ObjectStore, 'transactionSync'>
  accounting: Accounting
  queue: OrderQueue
  keyLimits: Pick<KeyLimits, 'limitedKeyOf' | 'refuseDisallowed'>
}

/**
 * Reads the state of orders, and writes the effects of their transitions. Each verb is one synchronous transaction.
 * A pass reads an order and its limits for each reservation and for each key that is held up. So its cost grows with
 * those, and with the rows of held-up keys that SQL skips.
 */
export class Orders {
  readonly #parts: OrderParts

  constructor(parts: OrderParts) {
    this.#parts = parts
  }

  /** Reserves an order if none waits before it; otherwise queues it, if it may wait. */
  ask(order: Order, mayWait: boolean, nowMs: number): OrderAnswer {
    const outcome = this.#parts.storage.transactionSync(() => {
      const isReserved = this.#parts.accounting.ledger.entry(order.id)?.status === 'running'
      const pass = isReserved ? NEW_PASS : this.#pass(nowMs)
      const limits = this.#limitsOf(order, pass, nowMs)
      return this.#take(order.id, { type: 'asked', order, mayWait, limits }, nowMs)
    })
    if (outcome.type === 'refused') return failed(outcome.failure)
    if (outcome.type === 'heldUp') return ok({ instead: outcome.refusal.failure })
    const { accounting, keyLimits } = this.#parts
    const isRoomLeft = leaveRoom(accounting.limitStatuses(keyLimits.limitedKeyOf(order.key), nowMs))
    return { ...ok(undefined), ...(isRoomLeft ? { leavesRoom: true } : {}) }
  }

  /** Removes a waiting order from the queue; false if its turn has come, or it never waited. */
  withdraw(id: string, nowMs: number): boolean {
    return this.#transact(id, { type: 'withdrawn', id }, nowMs).type === 'ended'
  }

  /** Ends the delivery of a verdict. The reservation of an order that is no longer wanted is released. */
  notified({ place, order: { id } }: CalledOrder, isWanted: boolean, nowMs: number): void {
    this.#transact(id, { type: 'notified', id, place, isWanted }, nowMs)
  }

  /**
   * Records the outcome of a run once, even after its reservation expired. False if the ledger has no entry of it, or a
   * deleted one.
   */
  settle(settlement: Settlement, nowMs: number): boolean {
    this.#transact(settlement.id, { type: 'settled', settlement }, nowMs)
    return this.#parts.accounting.ledger.entry(settlement.id)?.deleted_ms === null
  }

  /** Ends expired reservations, and calls waiting orders as far as the limits allow. */
  advance(nowMs: number): void {
    this.#parts.storage.transactionSync(() => this.#pass(nowMs))
  }

  #transact(id: string, event: OrderEvent, nowMs: number): OrderOutcome {
    return this.#parts.storage.transactionSync(() => this.#take(id, event, nowMs))
  }

  #take(id: string, event: OrderEvent, nowMs: number): OrderOutcome {
    const { accounting, queue } = this.#parts
    const state = { row: queue.find(id), status: accounting.ledger.entry(id)?.status }
    const { outcome, effects } = orderTransition(state, event, nowMs)
    for (const effect of effects) this.#apply(effect, nowMs)
    return outcome
  }

  #pass(nowMs: number): QueuePass {
    const { accounting, queue, keyLimits } = this.#parts
    // The alarm may be late, and others wait for the room of lapsed reservations.
    accounting.expire(keyLimits.limitedKeyOf, nowMs)
    for (let pass = NEW_PASS; ;) {
      const order = pass.team ? undefined : queue.next(pass.keys.keys())
      if (!order) return pass
      const limits = this.#limitsOf(order, pass, nowMs)
      pass = passAfter(pass, order, this.#take(order.id, { type: 'reached', order, limits }, nowMs))
    }
  }

  #limitsOf(order: Order, pass: QueuePass, nowMs: number): OrderLimits {
    const { accounting, queue, keyLimits } = this.#parts
    const limited = keyLimits.limitedKeyOf(order.key)
    return {
      heldUp: pass.keys.get(order.key) ?? pass.team,
      disallowed: keyLimits.refuseDisallowed(order, nowMs),
      get scopes() {
        return accounting.scopes(limited, nowMs)
      },
      get queues() {
        return [
          { name: 'key' as const, limits: limited.key.limits, queued: queue.count(order.key) },
          { name: 'team' as const, limits: limited.teamLimits, queued: queue.count() },
        ]
      },
      get freeMs() {
        return accounting.ledger.freeMs(nowMs)
      },
    }
  }

  #apply(effect: OrderEffect, nowMs: number): void {
    const { accounting, queue, keyLimits } = this.#parts
    switch (effect.type) {
      case 'open':
        return accounting.open(effect.order, keyLimits.limitedKeyOf, nowMs)
      case 'extend':
        return accounting.ledger.extend(effect.order, nowMs)
      case 'close':
        return accounting.close(effect.settlement, keyLimits.limitedKeyOf, nowMs)
      case 'enqueue':
        return queue.enqueue(effect.order)
      case 'call':
        return queue.call(effect.id, effect.verdict)
      case 'remove':
        return queue.remove(effect.id)
      case 'advance':
        this.#pass(nowMs)
    }
  }
}
