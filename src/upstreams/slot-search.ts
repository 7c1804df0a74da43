import { DeadlineExceeded, pause, withDeadline } from '../runtime/deadline'
import type { SlotRequest, TakenSlot } from './account'
import { enter, healthOf, leave } from './accounts'
import type { Candidate } from './candidates'
import { type Choice, choose } from './choose'
import type { CallOutcome, UnavailabilityReason, Unavailability } from './health'
import type { RouteOptions, Slot } from './route-options'
import { NOT_NEEDED, Wait } from './wait'

/** The average pause before another call of an only candidate, in ms; it doubles each time. */
const BACK_OFF_MS = 300
/** The first and the longest pause between two looks at busy accounts, in ms; it doubles each time. */
const [AGAIN_MS, MAX_AGAIN_MS] = [250, 2000]
/**
 * The longest pause when all accounts are cooling down, in ms: each look calls every account, and calls are limited.
 */
const MAX_COOLDOWN_LOOK_MS = 30_000
/** The time for a reply beyond the wait for a slot, in ms. */
const REACH_MS = 10_000
/** The life of a slot beyond the time of its call, in ms, for a process that has died. */
const SLOT_GRACE_MS = 60_000

type EntryTerms = Pick<SlotRequest, 'patienceMs' | 'isOnlyCandidate' | 'isResumed'>
/** The terms of a request that the upstream has already. */
const RESUMED_TERMS: EntryTerms = { patienceMs: 0, isOnlyCandidate: true, isResumed: true }

/** Reasons that end before long. */
const BUSY: readonly UnavailabilityReason[] = ['full', 'busy', 'probing', 'unreachable']
/** Reasons that end at a known time. */
const COOLING_DOWN: readonly UnavailabilityReason[] = ['cooling', 'open']

/** The changing state of a search. */
interface SearchState<Served extends Candidate> {
  /** The candidates that may still be called. */
  left: () => readonly Served[]
  /** The number of failures of a candidate in a row. */
  failures: (candidate: Served) => number
  /** Receives each unavailable candidate. */
  onUnavailable: (candidate: Served, unavailability: Unavailability) => void
}

/** A slot, or the reasons of all candidates. Neither means that no candidate is left, or no slot is wanted. */
interface FoundSlot<Served extends Candidate> {
  slot?: Slot<Served>
  unavailabilities: readonly Unavailability[]
}

const isCoolingDown = ({ reason }: Unavailability): boolean => COOLING_DOWN.includes(reason)

/** Finds slots for the calls of one request, and frees them. */
export class SlotSearch<Served extends Candidate> {
  readonly #options: RouteOptions<Served>
  readonly #state: SearchState<Served>
  /** Current waits; each ends when its slot is no longer wanted. */
  readonly #waits = new Set<Wait<Served>>()
  #ids = 0
  #taken = 0
  #inHand = 0

  constructor(options: RouteOptions<Served>, state: SearchState<Served>) {
    this.#options = options
    this.#state = state
  }

  /** The number of slots that were taken and used. */
  get taken(): number {
    return this.#taken
  }

  /** Waits for a slot within the patience and while `isWanted` returns true. Throws the reason of `cancel`. */
  async find(isWanted: () => boolean): Promise<FoundSlot<Served>> {
    const { patienceMs, untilMs, cancel } = this.#options
    // The request's own calls will free their slots.
    const giveUpMs = this.#inHand > 0 ? untilMs : Math.min(Date.now() + patienceMs, untilMs)
    let unavailabilities: readonly Unavailability[] = []
    for (let againMs = AGAIN_MS; ;) {
      cancel.throwIfAborted()
      const left = this.#state.left()
      if (left.length === 0 || !isWanted()) return { unavailabilities }
      const wait = new Wait(isWanted, this.#state.left, cancel)
      this.#waits.add(wait)
      try {
        await this.#backOff(left, wait)
        const found = await this.#takeAny(left, giveUpMs, wait)
        unavailabilities = found.unavailabilities
        if (found.slot && this.#state.left().includes(found.slot.candidate)) return found
        // The fate of other calls has ruled this candidate out meanwhile.
        if (found.slot) await this.unused(found.slot)
        else {
          const waits = this.#waitsFor(unavailabilities, giveUpMs)
          // A reason that ended on the way is worth another look, within the patience.
          const isOver = waits.length === 0 || Date.now() >= giveUpMs
          if (isOver && waits.every((each) => each <= 0)) return found
          await pause(Math.min(againMs * (0.75 + Math.random() / 2), ...waits.filter((each) => each > 0)), wait.signal)
          againMs = Math.min(2 * againMs, unavailabilities.every(isCoolingDown) ? MAX_COOLDOWN_LOOK_MS : MAX_AGAIN_MS)
        }
      } catch (error) {
        if (error !== NOT_NEEDED) throw error
      } finally {
        this.#waits.delete(wait)
      }
    }
  }

  /** Pauses before a candidate that has failed is called again, longer each time. */
  async #backOff(left: readonly Served[], { signal }: Wait<Served>): Promise<void> {
    const failures = Math.min(...left.map(this.#state.failures))
    if (failures > 0) await pause(BACK_OFF_MS * 2 ** (failures - 1) * (0.5 + Math.random()), signal)
  }

  /** Continues a request that the account already has, whatever blocks others. Never throws. */
  async resume(slot: Slot<Served>): Promise<Slot<Served>> {
    // The slot is taken even if the account cannot be reached.
    await this.keep(slot)
    this.#countTaken()
    return slot
  }

  /** Extends a slot by its full time. Never throws. */
  async keep(slot: Slot<Served>): Promise<void> {
    await withDeadline(REACH_MS, () => this.#enter(slot, RESUMED_TERMS)).catch(() => {})
  }

  /** Frees a slot and reports the outcome; `tookMs` is set for a served request alone. Never throws. */
  async giveBack(slot: Slot<Served>, outcome: CallOutcome, tookMs?: number): Promise<void> {
    this.#inHand -= 1
    await this.#leave(slot, outcome, tookMs)
  }

  /** Frees an unused slot. Never throws. */
  async unused(slot: Slot<Served>): Promise<void> {
    this.#taken -= 1
    await this.giveBack(slot, { is: 'cancelled' })
  }

  /** Makes each wait check whether its slot is still wanted. */
  lookAgain(): void {
    for (const wait of this.#waits) wait.lookAgain()
  }

  /** The waits that are worth it, in ms. */
  #waitsFor(unavailabilities: readonly Unavailability[], giveUpMs: number): number[] {
    const { waitsOutCooldown } = this.#options
    const isWorthIt = (unavailability: Unavailability): boolean =>
      BUSY.includes(unavailability.reason) ||
      (waitsOutCooldown === true && isCoolingDown(unavailability) && unavailability.untilMs < giveUpMs)
    const isTimed = (unavailability: Unavailability): boolean =>
      unavailability.reason === 'probing' || isCoolingDown(unavailability)
    return unavailabilities.filter(isWorthIt).map((each) => (isTimed(each) ? each.untilMs : giveUpMs) - Date.now())
  }

  /** Takes a slot at the first candidate with one. */
  async #takeAny(left: readonly Served[], giveUpMs: number, wait: Wait<Served>): Promise<FoundSlot<Served>> {
    const unavailabilities: Unavailability[] = []
    const noteUnavailable = (candidate: Served, unavailability: Unavailability): void => {
      unavailabilities.push(unavailability)
      this.#state.onUnavailable(candidate, unavailability)
    }
    const [only, another] = left
    const { order, passedOver } =
      only && !another
        ? { order: [only], passedOver: [] }
        : choose(await this.#choices(left), this.#options.source.payer, Date.now(), Math.random())
    for (const { item, unavailability } of passedOver) noteUnavailable(item, unavailability)
    for (const candidate of order) {
      const isOnlyCandidate = left.length === 1
      const slot = { candidate, id: `${this.#options.id}.${this.#ids++}`, sinceMs: Date.now() }
      const unavailability = await this.#take(
        slot,
        { patienceMs: isOnlyCandidate ? giveUpMs - Date.now() : 0, isOnlyCandidate },
        wait,
      )
      if (!unavailability) return { slot: { ...slot, sinceMs: Date.now() }, unavailabilities }
      noteUnavailable(candidate, unavailability)
    }
    return { unavailabilities }
  }

  #choices(left: readonly Served[]): Promise<Choice<Served>[]> {
    const { accounts, distance } = this.#options
    return Promise.all(
      left.map(async (item) => ({
        item,
        upstream: item.upstream,
        model: item.model,
        distance: distance?.(item) ?? 0,
        health: await healthOf(accounts, item.upstream),
      })),
    )
  }

  #enter({ candidate: { upstream, model }, id }: Slot<Served>, how: EntryTerms): Promise<Unavailability | TakenSlot> {
    const { accounts, source } = this.#options
    return enter(accounts, upstream, { ...source, id, model, holdMs: upstream.timeoutMs + SLOT_GRACE_MS, ...how })
  }

  /** Takes a slot, or waits while it is wanted. Throws NOT_NEEDED, and the reason of `cancel`. */
  async #take(slot: Slot<Served>, how: EntryTerms, wait: Wait<Served>): Promise<Unavailability | undefined> {
    wait.candidate = slot.candidate
    const entering = this.#enter(slot, how)
    try {
      const entered = await withDeadline(how.patienceMs + REACH_MS, () => entering, wait.signal)
      // The slot may have been granted, and only the reply was lost.
      if (entered.reason === 'unreachable') void this.#leave(slot, { is: 'cancelled' })
      if (entered.reason) return entered
      if (entered.isProvisional) await this.keep(slot)
      this.#countTaken()
      return undefined
    } catch (error) {
      void this.#withdraw(slot, entering)
      if (error instanceof DeadlineExceeded) return { reason: 'unreachable', untilMs: Date.now() }
      throw error
    } finally {
      wait.candidate = undefined
    }
  }

  /** Leaves the queue at once, and frees a slot that was granted meanwhile. */
  async #withdraw(slot: Slot<Served>, entering: Promise<Unavailability | TakenSlot>): Promise<void> {
    await this.#leave(slot, { is: 'cancelled' })
    const { reason } = await entering
    if (!reason) await this.#leave(slot, { is: 'cancelled' })
  }

  #leave({ candidate, id }: Slot<Served>, outcome: CallOutcome, tookMs?: number): Promise<void> {
    const { accounts, source } = this.#options
    return leave(accounts, candidate.upstream, { ...source, id, model: candidate.model }, outcome, tookMs)
  }

  #countTaken(): void {
    this.#taken += 1
    this.#inHand += 1
  }
}
