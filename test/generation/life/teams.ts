import type { Failure } from '../../../src/failures/errors'
import type { Settlement } from '../../../src/ledger/entry'
import type { Held } from '../../../src/generation/outcome'

const busy = (team: string): Failure => ({ code: 'concurrency_limited', message: `Of ${team}.`, retryAfterMs: 1000 })
const spent = (team: string): Failure => ({ code: 'budget_exhausted', message: `Of ${team}.` })

/** Teams with room left after each reserved order. */
const ROOMY: readonly string[] = ['other']

/** An order at a team, from its first arrival on. */
interface TeamOrder {
  team: string
  stands: 'running' | 'queued' | 'called' | 'gone' | 'settled'
  /** The verdict of a called order. */
  refusal: Failure | undefined
  /** Whether it has ever held money. */
  wasHeld: boolean
  settlements: Settlement[]
}

/** Teams that hold money for one order at a time, and queue the others. They know each reservation again. */
export class SimulatedTeams {
  readonly orders = new Map<string, TeamOrder>()
  /** Teams with a spent budget, which refuse every new order. */
  readonly spent = new Set<string>()
  /** Teams at their limit of concurrency, by other generations. */
  readonly busy = new Set<string>()

  /** The answer to an order. */
  reserve(reservation: string, team: string, couldWait: boolean): Held {
    const held = this.#decide(reservation, team, couldWait)
    return held.is === 'reserved' && ROOMY.includes(team) ? { ...held, leavesRoom: true } : held
  }

  /** Whether a client hears of its image only after the settlement of a reservation. */
  mustSettleFirst(reservation: string): boolean {
    const known = this.orders.get(reservation)
    return known !== undefined && known.stands !== 'settled' && !ROOMY.includes(known.team)
  }

  /** Reserves, queues or refuses an order; a repeated one changes nothing. */
  #decide(reservation: string, team: string, couldWait: boolean): Held {
    const known = this.orders.get(reservation)
    if (known?.stands === 'running' || known?.stands === 'settled') return { is: 'reserved' }
    if (known?.stands === 'called') {
      known.stands = known.refusal ? 'gone' : 'running'
      return known.refusal ? { is: 'refused', failure: known.refusal } : { is: 'reserved' }
    }
    if (this.spent.has(team)) return this.#leave(reservation, team, spent(team))
    if (this.#isFree(team) && !this.#hasQueue(team, reservation)) {
      this.#put(reservation, team, 'running')
      return { is: 'reserved' }
    }
    if (!couldWait && known?.stands !== 'queued') return this.#leave(reservation, team, busy(team))
    this.#put(reservation, team, 'queued')
    return { is: 'queued', instead: busy(team) }
  }

  /** Withdraws a waiting order; false for another one. */
  withdraw(reservation: string): boolean {
    const known = this.orders.get(reservation)
    if (known?.stands !== 'queued') return false
    known.stands = 'gone'
    return true
  }

  /** Books a settlement, once for each reservation that holds money. */
  settle(settlement: Settlement): void {
    const known = this.orders.get(settlement.id)
    if (known?.stands !== 'running' && known?.stands !== 'called') return
    known.stands = 'settled'
    known.settlements.push(settlement)
  }

  /** Calls the orders at their turn. */
  advance(): void {
    for (const order of this.orders.values()) {
      if (order.stands !== 'queued') continue
      if (this.spent.has(order.team)) Object.assign(order, { stands: 'called', refusal: spent(order.team) })
      else if (this.#isFree(order.team)) Object.assign(order, { stands: 'called', refusal: undefined, wasHeld: true })
    }
  }

  /** The orders that have been called, and wait for the answer of their generation. */
  get called(): { reservation: string; refusal: Failure | undefined }[] {
    return [...this.orders].flatMap(([reservation, { stands, refusal }]) =>
      stands === 'called' ? [{ reservation, refusal }] : [],
    )
  }

  /** Ends the call of a turn with the answer of the generation. An unwanted turn releases its money. */
  heard(reservation: string, isWanted: boolean): void {
    const known = this.orders.get(reservation)
    if (known?.stands !== 'called') return
    if (known.refusal) known.stands = 'gone'
    else if (isWanted) known.stands = 'running'
    else this.settle({ id: reservation, failure: 'cancelled', cost: 0, images: [], attempts: 0 })
  }

  /** The state of each order, for comparisons. */
  get books(): [string, string, number][] {
    return [...this.orders].map(([reservation, { stands, settlements }]) => [reservation, stands, settlements.length])
  }

  /** Whether an order holds money. */
  isHeld(reservation: string): boolean {
    const known = this.orders.get(reservation)
    return known?.stands === 'running' || (known?.stands === 'called' && known.refusal === undefined)
  }

  #isFree(team: string): boolean {
    return (
      !this.busy.has(team) &&
      ![...this.orders].some(([reservation, order]) => order.team === team && this.isHeld(reservation))
    )
  }

  #hasQueue(team: string, except: string): boolean {
    return [...this.orders].some(([id, order]) => order.team === team && order.stands === 'queued' && id !== except)
  }

  #leave(reservation: string, team: string, failure: Failure): Held {
    this.#put(reservation, team, 'gone')
    return { is: 'refused', failure }
  }

  #put(reservation: string, team: string, stands: TeamOrder['stands']): void {
    const { settlements = [], wasHeld = false } = this.orders.get(reservation) ?? {}
    this.orders.set(reservation, {
      team,
      stands,
      refusal: undefined,
      wasHeld: wasHeld || stands === 'running',
      settlements,
    })
  }
}
