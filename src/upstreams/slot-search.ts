import { DeadlineExceeded, pause, withDeadline } from '../runtime/deadline'
import type { Entrance, Taken } from './account'
import { enter, healthOf, leave } from './accounts'
import type { Candidate } from './candidates'
import { type Choice, choose } from './choose'
import type { CallOutcome, UnavailabilityReason, Unavailability } from './health'
import type { RouteOptions, Slot } from './route-options'
import { OF_NO_USE, Wait } from './wait'

/** For how long the only one who can serve it is let be before it is asked once more, in ms, on average. */
const BACK_OFF_MS = 300
/** How soon several who are all busy are asked again, in ms: twice as long each time, up to the longest. */
const [AGAIN_MS, MAX_AGAIN_MS] = [250, 2000]
/** The longest where all of them want to be left alone: each look costs a call of each account, and calls are counted. */
const MAX_REST_MS = 30_000
/** For how long an account is waited for beyond its patience, in ms. */
const REACH_MS = 10_000
/** For how long a seat is kept whose process has died, beyond what its call may take, in ms. */
const SLOT_GRACE_MS = 60_000

type Manner = Pick<Entrance, 'patienceMs' | 'alone' | 'isResumed'>
/** Of a request that the upstream has in hand already. */
const AS_IT_IS: Manner = { patienceMs: 0, alone: true, isResumed: true }

/** These are over before long. */
const BUSY: readonly UnavailabilityReason[] = ['full', 'busy', 'probing', 'unreachable']
/** These are over at a time that is known. */
const RESTING: readonly UnavailabilityReason[] = ['cooling', 'open']

/** What a search goes by that changes while it lasts. */
interface Prospects<Served extends Candidate> {
  /** Who may still be asked. */
  left: () => readonly Served[]
  /** How often somebody has failed in a row. */
  failures: (candidate: Served) => number
  /** Is told of each who was in the way. */
  onObstacle: (candidate: Served, obstacle: Unavailability) => void
}

/** A seat, or what is in the way of each who is left; nothing of either where none is left, or none is wanted any more. */
interface Found<Served extends Candidate> {
  seat?: Slot<Served>
  obstacles: readonly Unavailability[]
}

const isResting = ({ hindrance }: Unavailability): boolean => RESTING.includes(hindrance)

/** Finds seats for the calls of one request among those who may still be asked, and gives them back. */
export class SlotSearch<Served extends Candidate> {
  readonly #options: RouteOptions<Served>
  readonly #prospects: Prospects<Served>
  /** Each ends a wait, if that is of no use any more. */
  readonly #waits = new Set<Wait<Served>>()
  #ids = 0
  #taken = 0
  #inHand = 0

  constructor(options: RouteOptions<Served>, prospects: Prospects<Served>) {
    this.#options = options
    this.#prospects = prospects
  }

  /** How many seats were taken and made use of. */
  get taken(): number {
    return this.#taken
  }

  /** Waits for a seat as long as patience lasts and `isWanted` says so. Throws the reason of `cancel`. */
  async find(isWanted: () => boolean): Promise<Found<Served>> {
    const { patienceMs, untilMs, cancel } = this.#options
    // Whatever this request has in hand itself will be over.
    const giveUpMs = this.#inHand > 0 ? untilMs : Math.min(Date.now() + patienceMs, untilMs)
    let obstacles: readonly Unavailability[] = []
    for (let againMs = AGAIN_MS; ;) {
      cancel.throwIfAborted()
      const left = this.#prospects.left()
      if (left.length === 0 || !isWanted()) return { obstacles }
      const wait = new Wait(isWanted, this.#prospects.left, cancel)
      this.#waits.add(wait)
      try {
        await this.#backOff(left, wait)
        const found = await this.#takeAny(left, giveUpMs, wait)
        obstacles = found.obstacles
        if (found.seat && this.#prospects.left().includes(found.seat.candidate)) return found
        // By what became of others meanwhile, it is not to be asked any more.
        if (found.seat) await this.unused(found.seat)
        else {
          const waits = this.#waitsFor(obstacles, giveUpMs)
          if (Math.max(0, ...waits) <= 0) return found
          await pause(Math.min(againMs * (0.75 + Math.random() / 2), ...waits.filter((each) => each > 0)), wait.signal)
          againMs = Math.min(2 * againMs, obstacles.every(isResting) ? MAX_REST_MS : MAX_AGAIN_MS)
        }
      } catch (error) {
        if (error !== OF_NO_USE) throw error
      } finally {
        this.#waits.delete(wait)
      }
    }
  }

  /** Lets those be for a moment who have failed, where nobody else is left: for longer each time. */
  async #backOff(left: readonly Served[], { signal }: Wait<Served>): Promise<void> {
    const failures = Math.min(...left.map(this.#prospects.failures))
    if (failures > 0) await pause(BACK_OFF_MS * 2 ** (failures - 1) * (0.5 + Math.random()), signal)
  }

  /** Takes up a request that an account has in hand already, whatever is in the way of others. Never throws. */
  async resume(seat: Slot<Served>): Promise<Slot<Served>> {
    // It has its seat whether the account can be reached or not.
    await this.keep(seat)
    this.#takeDown()
    return seat
  }

  /** Keeps a seat for as long again. Never throws. */
  async keep(seat: Slot<Served>): Promise<void> {
    await withDeadline(REACH_MS, () => this.#enter(seat, AS_IT_IS)).catch(() => {})
  }

  /** Gives back a seat, with how its request ended; `tookMs` only of one that was served. Never throws. */
  async giveBack(seat: Slot<Served>, outcome: CallOutcome, tookMs?: number): Promise<void> {
    const { candidate, id } = seat
    this.#inHand -= 1
    await leave(this.#options.accounts, candidate.upstream, { id, model: candidate.model }, outcome, tookMs)
  }

  /** Gives back a seat of which nothing was asked. Never throws. */
  async unused(seat: Slot<Served>): Promise<void> {
    this.#taken -= 1
    await this.giveBack(seat, { is: 'cancelled' })
  }

  /** Has those who wait for a seat look whether it is still of any use. */
  lookAgain(): void {
    for (const wait of this.#waits) wait.lookAgain()
  }

  /** How long each is to be waited for that is worth it, in ms. */
  #waitsFor(obstacles: readonly Unavailability[], giveUpMs: number): number[] {
    const { waitsOutCooldown } = this.#options
    const isWorthIt = (obstacle: Unavailability): boolean =>
      BUSY.includes(obstacle.hindrance) ||
      (waitsOutCooldown === true && isResting(obstacle) && obstacle.untilMs < giveUpMs)
    const isTimed = (obstacle: Unavailability): boolean => obstacle.hindrance === 'probing' || isResting(obstacle)
    return obstacles.filter(isWorthIt).map((each) => (isTimed(each) ? each.untilMs : giveUpMs) - Date.now())
  }

  /** A seat at the first who has one. */
  async #takeAny(left: readonly Served[], giveUpMs: number, wait: Wait<Served>): Promise<Found<Served>> {
    const obstacles: Unavailability[] = []
    const inTheWay = (candidate: Served, obstacle: Unavailability): void => {
      obstacles.push(obstacle)
      this.#prospects.onObstacle(candidate, obstacle)
    }
    const [only, another] = left
    const { order, passedOver } =
      only && !another
        ? { order: [only], passedOver: [] }
        : choose(await this.#choices(left), Date.now(), Math.random())
    for (const { item, obstacle } of passedOver) inTheWay(item, obstacle)
    for (const candidate of order) {
      const alone = left.length === 1
      const seat = { candidate, id: `${this.#options.id}.${this.#ids++}`, sinceMs: Date.now() }
      const obstacle = await this.#take(seat, { patienceMs: alone ? giveUpMs - Date.now() : 0, alone }, wait)
      if (!obstacle) return { seat: { ...seat, sinceMs: Date.now() }, obstacles }
      inTheWay(candidate, obstacle)
    }
    return { obstacles }
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

  #enter({ candidate: { upstream, model }, id }: Slot<Served>, how: Manner): Promise<Unavailability | Taken> {
    return enter(this.#options.accounts, upstream, { id, model, holdMs: upstream.timeoutMs + SLOT_GRACE_MS, ...how })
  }

  /** Takes a seat, or waits for it as long as that is of use. Throws OF_NO_USE, and the reason of `cancel`. */
  async #take(seat: Slot<Served>, how: Manner, wait: Wait<Served>): Promise<Unavailability | undefined> {
    wait.candidate = seat.candidate
    const entering = this.#enter(seat, how)
    try {
      const entered = await withDeadline(how.patienceMs + REACH_MS, () => entering, wait.signal)
      if (entered.hindrance) return entered
      if (entered.isProvisional) await this.keep(seat)
      this.#takeDown()
      return undefined
    } catch (error) {
      void this.#withdraw(seat, entering)
      if (error instanceof DeadlineExceeded) return { hindrance: 'unreachable', untilMs: Date.now() }
      throw error
    } finally {
      wait.candidate = undefined
    }
  }

  /** Leaves the line at once, and whatever seat came of it all the same. */
  async #withdraw({ candidate, id }: Slot<Served>, entering: Promise<Unavailability | Taken>): Promise<void> {
    const { upstream, model } = candidate
    const leaveIt = (): Promise<void> => leave(this.#options.accounts, upstream, { id, model }, { is: 'cancelled' })
    await leaveIt()
    const { hindrance } = await entering
    if (!hindrance) await leaveIt()
  }

  #takeDown(): void {
    this.#taken += 1
    this.#inHand += 1
  }
}
