import { withDeadline } from '../runtime/deadline'
import { describe, log } from '../runtime/log'
import type { CalledOrder, OrderQueue } from './order-queue'
import type { Orders } from './orders'

/** The time for the delivery of a verdict, in ms; the alarm repeats it. */
const NOTIFY_MS = 10_000

/** Delivers each verdict of the outbox to its object, once or more often: the order's id tells. */
export class VerdictSender {
  readonly #queue: Pick<OrderQueue, 'called'>
  readonly #orders: Pick<Orders, 'notified'>
  /** Returns false if the run is no longer wanted. */
  readonly #deliver: (called: CalledOrder) => Promise<boolean>
  /** The places of the verdicts that are being delivered. */
  readonly #inFlight = new Set<number>()

  constructor(
    queue: Pick<OrderQueue, 'called'>,
    orders: Pick<Orders, 'notified'>,
    deliver: (called: CalledOrder) => Promise<boolean>,
  ) {
    this.#queue = queue
    this.#orders = orders
    this.#deliver = deliver
  }

  /** Sends all verdicts but those in flight. A released reservation may call more, which follow at once. */
  async send(): Promise<void> {
    const due = this.#queue.called().filter(({ place }) => !this.#inFlight.has(place))
    await Promise.all(due.map((called) => this.#sendOne(called)))
  }

  /** Delivers a verdict. Never throws. */
  async #sendOne(called: CalledOrder): Promise<void> {
    const { place, order } = called
    this.#inFlight.add(place)
    try {
      const isWanted = await withDeadline(NOTIFY_MS, () => this.#deliver(called))
      this.#orders.notified(called, isWanted, Date.now())
      if (!isWanted) await this.send()
    } catch (error) {
      log('turn-not-notified', { generation: order.generation, run: order.id, ...describe(error) })
    } finally {
      this.#inFlight.delete(place)
    }
  }
}
