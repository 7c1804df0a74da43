import { DurableObject } from 'cloudflare:workers'
import {
  afterSending,
  type Health,
  healthAfter,
  type UnavailabilityReason,
  isUntried,
  type RequestSource,
  type Unavailability,
  type CallOutcome,
  afterSwitch,
  availabilityOf,
} from './health'
import { type Condition, conditionOf } from './condition'
import { type Latency, Latencies } from './latency'
import { log } from '../runtime/log'
import { healthFrom } from './stored-health'
import { WaitQueue } from './wait-queue'
import { type Allowance, Slots } from './slots'

/** A request for a slot at an account. */
export interface SlotRequest extends RequestSource {
  /** The id of the call, by which it enters again and leaves. */
  id: string
  allowance: Allowance
  /** The longest life of the slot, in ms. */
  holdMs: number
  /** The longest wait for a slot, in ms. */
  patienceMs: number
  /** Whether no other candidate is left. An untried account then takes the request at once. */
  isOnlyCandidate: boolean
  /** Whether an earlier process sent the request: the upstream has it, so nothing blocks the slot. */
  isResumed?: true
}

/** A slot at an account. */
export interface TakenSlot {
  reason?: undefined
  /** Granted after waiting. The owner must confirm within 15 s or loses the slot. */
  isProvisional: boolean
}

/** The state of an account. */
export interface AccountStatus {
  health: Health
  /** Slots in use, requests in the queue, and requests sent within the last minute. */
  slots: number
  waiting: number
  sentWithinMinute: number
  latencies: Latency[]
}

/** The life of a slot that was granted after waiting and not yet confirmed, in ms. */
const CONFIRM_MS = 15_000

/** The owner of a slot: its call, and the source of that call's outcome. */
export type SlotOwner = Pick<SlotRequest, 'id' | 'model' | 'payer' | 'request'>

/** The number of reports that are known again. */
const MAX_LEFT = 1000

/** Conditions that an operator hears of from the log, at their start and at their end. */
const LOGGED: readonly Condition['status'][] = ['open', 'disabled', 'misplaced', 'out']

/** Reasons that end by themselves before long, and are worth waiting for. */
const PASSING: readonly UnavailabilityReason[] = ['full', 'busy', 'probing']

/** The health and the slots of one credential of an upstream, shared by all requests. */
export class Account extends DurableObject<Env> {
  readonly #slots = new Slots(this.ctx.storage)
  readonly #latencies = new Latencies(this.ctx.storage)
  readonly #queue = new WaitQueue()
  /** Slots before their confirmation, and the last ones given back. */
  readonly #provisional = new Set<string>()
  readonly #left = new Set<string>()
  #health = healthFrom(this.ctx.storage.kv.get('health'))

  /** The state for reports. */
  status(): AccountStatus {
    const nowMs = Date.now()
    return {
      health: this.#health,
      slots: this.#slots.count(nowMs),
      waiting: this.#queue.length,
      sentWithinMinute: this.#slots.sentWithinMinute(nowMs),
      latencies: this.#latencies.list(),
    }
  }

  health(): Health {
    return this.#health
  }

  /** Takes a slot, or waits in the queue for one. Returns the reason when none comes in time. */
  async enter(slotRequest: SlotRequest): Promise<Unavailability | TakenSlot> {
    const untilMs = Date.now() + slotRequest.patienceMs
    const turn = this.#queue.join(slotRequest.id)
    try {
      for (let hasWaited = false; ; hasWaited = true) {
        const unavailability = this.#unavailability(slotRequest)
        if (!unavailability && (turn.isFirst || this.#hasSlot(slotRequest))) return this.#take(slotRequest, hasWaited)
        const nowMs = Date.now()
        if (unavailability && !PASSING.includes(unavailability.reason)) return unavailability
        if (nowMs >= untilMs || turn.hasLeft) return unavailability ?? { reason: 'full', untilMs: nowMs }
        await turn.called(Math.min(untilMs, unavailability && turn.isFirst ? unavailability.untilMs : untilMs))
      }
    } finally {
      turn.leave()
    }
  }

  /**
   * Frees the slot of a request, or its place in the queue, and returns the health. `tookMs` is set for a served request
   * alone.
   */
  leave({ id, ...source }: SlotOwner, outcome: CallOutcome, tookMs?: number): Health {
    this.#queue.dismiss(id)
    this.#provisional.delete(id)
    const hadSlot = this.#slots.free(id)
    // The reply to the first report was lost. The outcome counts once.
    if (!hadSlot && this.#left.has(id)) return this.#health
    this.#remember(id)
    // A request without a slot reveals nothing of the account, so it ends no probe.
    if (hadSlot || outcome.is !== 'cancelled') this.#become(healthAfter(this.#health, outcome, source, Date.now()))
    if (tookMs !== undefined) this.#latencies.note(source.model, tookMs)
    this.#queue.call()
    return this.#health
  }

  /** Takes the account out of use, or puts it back with the health of a new one. */
  switch(isIn: boolean): void {
    this.#become(afterSwitch(this.#health, isIn, Date.now()))
    this.#queue.call()
  }

  /** Whether a request has its slot already: its reply was lost, or its process died. */
  #hasSlot({ id, isResumed }: SlotRequest): boolean {
    return isResumed === true || this.#slots.has(id)
  }

  #unavailability(slotRequest: SlotRequest): Unavailability | undefined {
    if (this.#hasSlot(slotRequest)) return undefined
    const { allowance, isOnlyCandidate } = slotRequest
    const nowMs = Date.now()
    const availability = availabilityOf(this.#health, slotRequest, nowMs)
    const isFirstTry = isOnlyCandidate && availability.reason === 'probing' && isUntried(this.#health)
    if (availability.reason && !isFirstTry) return availability
    const untilMs = this.#slots.heldUp(allowance, nowMs)
    if (untilMs === undefined) return undefined
    const isFull = this.#slots.count(nowMs) >= (allowance.maxConcurrency ?? Infinity)
    return { reason: isFull ? 'full' : 'busy', untilMs }
  }

  #take(slotRequest: SlotRequest, isProvisional: boolean): TakenSlot {
    const { id, payer, allowance, holdMs, isResumed } = slotRequest
    const nowMs = Date.now()
    const availability = availabilityOf(this.#health, slotRequest, nowMs)
    const isNew = !this.#slots.has(id)
    // A slot of a call in hand is only kept. A slot after a wait is confirmed right before its call.
    const isAboutToSend = isResumed !== true || this.#provisional.delete(id)
    if (isProvisional) this.#provisional.add(id)
    this.#slots.take(id, nowMs + (isProvisional ? CONFIRM_MS : holdMs), allowance, { nowMs, isAboutToSend })
    this.#left.delete(id)
    if (isNew && !availability.reason) this.#become(afterSending(this.#health, availability, payer, nowMs))
    return { isProvisional }
  }

  #remember(id: string): void {
    this.#left.add(id)
    const [oldest] = this.#left
    if (oldest !== undefined && this.#left.size > MAX_LEFT) this.#left.delete(oldest)
  }

  #become(health: Health): void {
    if (health === this.#health) return
    const nowMs = Date.now()
    const [before, after] = [conditionOf(this.#health, nowMs), conditionOf(health, nowMs)]
    this.#health = health
    this.ctx.storage.kv.put('health', health)
    if (before.status !== after.status && [before, after].some(({ status }) => LOGGED.includes(status)))
      log('account-changed', { account: this.ctx.id.name, before: before.status, ...after })
  }
}
