import { DurableObject } from 'cloudflare:workers'
import {
  asked,
  type Health,
  healthAfter,
  type UnavailabilityReason,
  isUntried,
  NEW,
  type Unavailability,
  type CallOutcome,
  switched,
  availabilityOf,
} from './health'
import { type Latency, Latencies } from './latency'
import { WaitQueue } from './wait-queue'
import { type Allowance, Slots } from './slots'

/** A request that wants to be sent to an account. */
export interface Entrance {
  /** Its own id, by which it comes again and leaves. */
  id: string
  /** By the upstream's own name. */
  model: string
  allowance: Allowance
  /** For how long it has the seat at most, in ms. */
  holdMs: number
  /** For how long it waits for one, in ms. */
  patienceMs: number
  /** Whether nobody else could serve it, so that an account that nothing is known of is asked at once. */
  alone: boolean
  /** Whether the upstream has it in hand already, since an earlier process sent it: nothing is in its way. */
  isResumed?: true
}

/** A seat at an account. */
export interface Taken {
  hindrance?: undefined
  /** Whether its owner, who had to wait for it, is to enter once more as a sign that it is still there, or else loses it. */
  isProvisional: boolean
}

/** How an account stands. */
export interface AccountStatus {
  health: Health
  /** How many requests it has in hand, how many wait for it, and how many it was sent within a minute. */
  seats: number
  waiting: number
  sentWithinMinute: number
  latencies: Latency[]
}

/** For how long a seat is kept for somebody who waited for it and gives no sign of life, in ms. */
const CONFIRM_MS = 15_000

/** These are over by themselves before long, and are worth waiting for. */
const PASSING: readonly UnavailabilityReason[] = ['full', 'busy', 'probing']

/** What is true of one credential of an upstream, for all who ask it at once: its health, and how much it has in hand. */
export class Account extends DurableObject<Env> {
  readonly #seats = new Slots(this.ctx.storage)
  readonly #latencies = new Latencies(this.ctx.storage)
  readonly #line = new WaitQueue()
  #health = this.ctx.storage.kv.get<Health>('health') ?? NEW

  /** How it stands with a request for a model, whoever else it has in hand. */
  status(): AccountStatus {
    const nowMs = Date.now()
    return {
      health: this.#health,
      seats: this.#seats.count(nowMs),
      waiting: this.#line.length,
      sentWithinMinute: this.#seats.sentWithinMinute(nowMs),
      latencies: this.#latencies.list(),
    }
  }

  health(): Health {
    return this.#health
  }

  /** Has a request take its seat, or wait for one, until it leaves; tells what is in its way. */
  async enter(entrance: Entrance): Promise<Unavailability | Taken> {
    const untilMs = Date.now() + entrance.patienceMs
    const turn = this.#line.join(entrance.id)
    try {
      for (let hasWaited = false; ; hasWaited = true) {
        const obstacle = this.#obstacle(entrance)
        if (!obstacle && (turn.isFirst || this.#isIn(entrance))) return this.#take(entrance, hasWaited)
        const nowMs = Date.now()
        if (obstacle && !PASSING.includes(obstacle.hindrance)) return obstacle
        if (nowMs >= untilMs || turn.hasLeft) return obstacle ?? { hindrance: 'full', untilMs: nowMs }
        await turn.called(Math.min(untilMs, obstacle && turn.isFirst ? obstacle.untilMs : untilMs))
      }
    } finally {
      turn.leave()
    }
  }

  /** Hears how a request ended, also one that still waits for its seat; `tookMs` only of one that was served. */
  leave(id: string, model: string, outcome: CallOutcome, tookMs?: number): void {
    this.#line.dismiss(id)
    const hadSeat = this.#seats.free(id)
    // What was never let in says nothing of the account, least of all that a probe is over.
    if (hadSeat || outcome.is !== 'cancelled') this.#become(healthAfter(this.#health, outcome, model, Date.now()))
    if (tookMs !== undefined) this.#latencies.note(model, tookMs)
    this.#line.call()
  }

  /** Takes it out, or puts it back as if nothing had happened to it. */
  switch(isIn: boolean): void {
    this.#become(switched(this.#health, isIn, Date.now()))
    this.#line.call()
  }

  /** Whether the account has a request in hand: it may come again, since its reply was lost or a process died. */
  #isIn({ id, isResumed }: Entrance): boolean {
    return isResumed === true || this.#seats.has(id)
  }

  #obstacle(entrance: Entrance): Unavailability | undefined {
    if (this.#isIn(entrance)) return undefined
    const { model, allowance, alone } = entrance
    const nowMs = Date.now()
    const availability = availabilityOf(this.#health, model, nowMs)
    const isTriedAlone = alone && availability.hindrance === 'probing' && isUntried(this.#health)
    if (availability.hindrance && !isTriedAlone) return availability
    const untilMs = this.#seats.heldUp(allowance, nowMs)
    if (untilMs === undefined) return undefined
    const isFull = this.#seats.count(nowMs) >= (allowance.maxConcurrency ?? Infinity)
    return { hindrance: isFull ? 'full' : 'busy', untilMs }
  }

  #take({ id, model, allowance, holdMs }: Entrance, isProvisional: boolean): Taken {
    const nowMs = Date.now()
    const availability = availabilityOf(this.#health, model, nowMs)
    const isNew = !this.#seats.has(id)
    this.#seats.take(id, nowMs + (isProvisional ? CONFIRM_MS : holdMs), allowance, nowMs)
    if (isNew && !availability.hindrance) this.#become(asked(this.#health, availability, nowMs))
    return { isProvisional }
  }

  #become(health: Health): void {
    if (health === this.#health) return
    this.#health = health
    this.ctx.storage.kv.put('health', health)
  }
}
