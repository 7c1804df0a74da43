import { DeadlineExceeded, pause, withDeadline } from '../deadline'
import type { Entrance, Taken } from './account'
import { enter, healthOf, leave } from './accounts'
import type { Candidate } from './candidates'
import { type Choice, choose } from './choose'
import type { CallOutcome, Hindrance, Obstacle } from './health'
import type { RouteOptions, Seat } from './route-options'

/** For how long the only one who can serve it is let be before it is asked once more, in ms, on average. */
const BACK_OFF_MS = 300
/** How soon several who are all busy are asked again, in ms: twice as long each time, up to the longest. */
const [AGAIN_MS, MAX_AGAIN_MS] = [250, 2000]
/** For how long an account is waited for beyond its patience, in ms. */
const REACH_MS = 10_000
/** For how long a seat is kept whose process has died, beyond what its call may take, in ms. */
const GRACE_MS = 60_000

type Manner = Pick<Entrance, 'patienceMs' | 'alone' | 'isResumed'>
/** Of a request that the upstream has in hand already. */
const AS_IT_IS: Manner = { patienceMs: 0, alone: true, isResumed: true }

/** These are over before long. */
const BUSY: readonly Hindrance[] = ['full', 'busy', 'probing', 'unreachable']
/** These are over at a time that is known. */
const RESTING: readonly Hindrance[] = ['cooling', 'open']

/** What a search goes by that changes while it lasts. */
interface Prospects<Served extends Candidate> {
  /** Who may still be asked. */
  left: () => readonly Served[]
  hasFailed: (candidate: Served) => boolean
  /** Is told of each who was in the way. */
  onObstacle: (candidate: Served, obstacle: Obstacle) => void
}

/** A seat, or what is in the way of each who is left; nothing of either where none is left, or none is wanted any more. */
interface Found<Served extends Candidate> {
  seat?: Seat<Served>
  obstacles: readonly Obstacle[]
}

/** Thrown into a wait for a seat that is of no use any more. */
const OF_NO_USE = new Error('the seat is of no use any more')

/** Finds seats for the calls of one request among those who may still be asked, and gives them back. */
export class SeatSearch<Served extends Candidate> {
  readonly #options: RouteOptions<Served>
  readonly #prospects: Prospects<Served>
  /** Each ends a wait for a seat, if that is of no use any more. */
  readonly #waits = new Set<() => void>()
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
    let obstacles: readonly Obstacle[] = []
    for (let againMs = AGAIN_MS; ; againMs = Math.min(2 * againMs, MAX_AGAIN_MS)) {
      cancel.throwIfAborted()
      const left = this.#prospects.left()
      if (left.length === 0 || !isWanted()) return { obstacles }
      if (left.some(this.#prospects.hasFailed)) await pause(BACK_OFF_MS * (0.5 + Math.random()), cancel)
      const found = await this.#takeAny(left, giveUpMs, isWanted)
      obstacles = found.obstacles
      if (found.seat) {
        if (this.#prospects.left().includes(found.seat.candidate)) return found
        // By what became of others meanwhile, it is not to be asked any more.
        await this.unused(found.seat)
        continue
      }
      const waits = this.#waitsFor(obstacles, giveUpMs)
      if (Math.max(0, ...waits) <= 0) return found
      await pause(Math.min(againMs * (0.75 + Math.random() / 2), ...waits.filter((each) => each > 0)), cancel)
    }
  }

  /** Takes up a request that an account has in hand already, whatever is in the way of others. */
  async resume(seat: Seat<Served>): Promise<Seat<Served>> {
    // It has its seat whether the account can be reached or not.
    if (await this.#take(seat, AS_IT_IS)) this.#takeDown()
    return seat
  }

  /** Keeps a seat for as long again. Never throws. */
  async keep(seat: Seat<Served>): Promise<void> {
    await this.#enter(seat, AS_IT_IS)
  }

  /** Gives back a seat, with how its request ended; `tookMs` only of one that was served. Never throws. */
  async giveBack(seat: Seat<Served>, outcome: CallOutcome, tookMs?: number): Promise<void> {
    const { candidate, id } = seat
    this.#inHand -= 1
    await leave(this.#options.accounts, candidate.upstream, { id, model: candidate.model }, outcome, tookMs)
  }

  /** Gives back a seat of which nothing was asked. Never throws. */
  async unused(seat: Seat<Served>): Promise<void> {
    this.#taken -= 1
    await this.giveBack(seat, { is: 'cancelled' })
  }

  /** Has those who wait for a seat look whether it is still of any use. */
  lookAgain(): void {
    for (const end of this.#waits) end()
  }

  /** How long each is to be waited for that is worth it, in ms. */
  #waitsFor(obstacles: readonly Obstacle[], giveUpMs: number): number[] {
    const { sitsOut } = this.#options
    const isWorthIt = ({ hindrance, untilMs }: Obstacle): boolean =>
      BUSY.includes(hindrance) || (sitsOut === true && RESTING.includes(hindrance) && untilMs < giveUpMs)
    const isTimed = ({ hindrance }: Obstacle): boolean => hindrance === 'probing' || RESTING.includes(hindrance)
    return obstacles.filter(isWorthIt).map((each) => (isTimed(each) ? each.untilMs : giveUpMs) - Date.now())
  }

  /** A seat at the first who has one. */
  async #takeAny(left: readonly Served[], giveUpMs: number, isWanted: () => boolean): Promise<Found<Served>> {
    const obstacles: Obstacle[] = []
    const inTheWay = (candidate: Served, obstacle: Obstacle): void => {
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
      const obstacle = await this.#take(seat, { patienceMs: alone ? giveUpMs - Date.now() : 0, alone }, isWanted)
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

  #enter({ candidate: { upstream, model }, id }: Seat<Served>, how: Manner): Promise<Obstacle | Taken> {
    return enter(this.#options.accounts, upstream, { id, model, holdMs: upstream.timeoutMs + GRACE_MS, ...how })
  }

  /** Takes a seat, or waits for it as long as that is of use. Throws the reason of `cancel`. */
  async #take(seat: Seat<Served>, how: Manner, isWanted = (): boolean => true): Promise<Obstacle | undefined> {
    const stop = new AbortController()
    const isOfUse = (): boolean => isWanted() && this.#prospects.left().includes(seat.candidate)
    const end = (): void => void (isOfUse() || stop.abort(OF_NO_USE))
    const entering = this.#enter(seat, how)
    if (how.patienceMs > 0) this.#waits.add(end)
    try {
      const either = AbortSignal.any([this.#options.cancel, stop.signal])
      const entered = await withDeadline(how.patienceMs + REACH_MS, () => entering, either)
      if (entered.hindrance) return entered
      if (entered.isProvisional) await this.keep(seat)
      this.#takeDown()
      return undefined
    } catch (error) {
      // What the upstream has in hand keeps its seat, whenever its account hears of that.
      if (!how.isResumed) void this.#withdraw(seat, entering)
      if (error === OF_NO_USE) return { hindrance: 'full', untilMs: Date.now() }
      if (error instanceof DeadlineExceeded) return { hindrance: 'unreachable', untilMs: Date.now() }
      throw error
    } finally {
      this.#waits.delete(end)
    }
  }

  /** Leaves the line at once, and whatever seat came of it all the same. */
  async #withdraw({ candidate, id }: Seat<Served>, entering: Promise<Obstacle | Taken>): Promise<void> {
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
