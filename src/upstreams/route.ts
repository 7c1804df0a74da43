import { DeadlineExceeded, pause, withDeadline } from '../deadline'
import { type Failure, type Result, failed, ok } from '../errors'
import { ProviderError } from '../providers/provider'
import type { Entrance } from './account'
import { enter, healthOf, leave } from './accounts'
import type { Candidate } from './candidates'
import { choose } from './choose'
import { countLost, mayDoBetter, outcomeOf } from './after-failure'
import type { Hindrance, Obstacle, CallOutcome } from './health'
import type { RouteOptions, Seat } from './route-options'
import { routeFailure } from './route-failure'

/** How often a request may be paid for when its first answer could not be read. */
const MAX_LOST = 2
/** For how long the only one who can serve it is let be before it is asked once more, in ms, on average. */
const BACK_OFF_MS = 300
/** How soon several who are all busy are asked again, in ms. */
const AGAIN_MS = 250
/** For how long an account is waited for beyond its patience, in ms. */
const REACH_MS = 10_000
/** For how long a seat is kept whose process has died, beyond what its call may take, in ms. */
const GRACE_MS = 60_000

type Manner = Pick<Entrance, 'patienceMs' | 'alone' | 'isResumed'>
/** Of a request that the upstream has in hand already. */
const AS_IT_IS: Manner = { patienceMs: 0, alone: true, isResumed: true }

/** These are over before long. */
const BUSY: readonly Hindrance[] = ['full', 'busy', 'probing', 'unreachable']

/** The way of one request among those who can serve it: who is asked, in which order, and what became of each. */
export class Route<Served extends Candidate> {
  readonly #options: RouteOptions<Served>
  readonly #errors = new Map<Served, ProviderError[]>()
  readonly #steps: string[] = []
  #lastFailed: Served | undefined
  #seats = 0
  #taken = 0
  #served = 0
  #inHand = 0

  constructor(options: RouteOptions<Served>) {
    this.#options = options
  }

  /** Who was passed over or asked, and what came of it, in order, as audits and `server-timing` tell it. */
  get steps(): string {
    return this.#steps.join(', ')
  }

  /** How often somebody was asked. */
  get attempts(): number {
    return this.#taken
  }

  /**
   * Asks one after the other, `first` before all, until one succeeds, who keeps its seat until that is given back. What was
   * paid for and lost is tried once more, and so is the only one who can serve it and failed in passing, as long as it
   * `goesOn`. Throws what is no ProviderError.
   */
  async inTurn<T>(
    attempt: (seat: Seat<Served>) => Promise<T>,
    first?: Pick<Seat<Served>, 'candidate' | 'id'>,
    goesOn = (): boolean => true,
  ): Promise<Result<{ value: T; seat: Seat<Served> }>> {
    for (let seat = first ? await this.#resume(first) : await this.#next(); ; seat = await this.#next()) {
      if ('code' in seat) return failed(seat)
      try {
        return ok({ value: await attempt(seat), seat })
      } catch (error) {
        await this.#failed(seat, error)
        if (!goesOn()) return failed(this.#failure([]))
      }
    }
  }

  /** Gives back a seat whose request was answered. Never throws. */
  async served(seat: Seat<Served>): Promise<void> {
    const { candidate } = seat
    this.#served += 1
    this.#note(candidate, 'served')
    const inEarnest = this.#errors.get(candidate)?.filter(({ kind }) => kind !== 'unavailable') ?? []
    if (inEarnest.length > 0) this.#errors.set(candidate, inEarnest)
    else this.#errors.delete(candidate)
    await this.#leave(seat, { is: 'served' }, Date.now() - seat.sinceMs)
  }

  /** Gives back a seat whose answer broke off after it had begun. Never throws. */
  async broken(seat: Seat<Served>): Promise<void> {
    const error = new ProviderError('lost', 'broke off its answer')
    this.#note(seat.candidate, error.kind)
    this.#options.onFailure(seat.candidate, error)
    await this.#leave(seat, outcomeOf(error))
  }

  /** Keeps a seat for as long again. Never throws. */
  async keep(seat: Seat<Served>): Promise<void> {
    await this.#enter(seat, AS_IT_IS)
  }

  /** Gives back a seat of which nothing was asked. Never throws. */
  async unused(seat: Seat<Served>): Promise<void> {
    this.#taken -= 1
    await this.#leave(seat, { is: 'cancelled' })
  }

  async #failed(seat: Seat<Served>, error: unknown): Promise<void> {
    const { candidate } = seat
    this.#note(candidate, error instanceof ProviderError ? error.kind : 'cancelled')
    if (error instanceof ProviderError) {
      this.#options.onFailure(candidate, error)
      // What was served shows that it is one picture that is refused, not the request.
      if (error.kind !== 'rejected' || this.#served === 0) {
        this.#lastFailed = candidate
        this.#errors.set(candidate, [...(this.#errors.get(candidate) ?? []), error])
      }
    }
    await this.#leave(seat, outcomeOf(error))
    if (!(error instanceof ProviderError)) throw error
  }

  /** Who may still be asked: whoever has not failed; where all have, the last one, if it may do better the next time. */
  get #left(): Served[] {
    const { candidates, untilMs } = this.#options
    const errors = [...this.#errors.values()].flat()
    const isOver = errors.some(({ kind }) => kind === 'rejected') || countLost(errors) >= MAX_LOST
    if (isOver || Date.now() >= untilMs) return []
    const fresh = candidates.filter((each) => !this.#errors.has(each))
    if (fresh.length > 0 || !this.#lastFailed) return fresh
    return mayDoBetter(this.#errors.get(this.#lastFailed), candidates.length) ? [this.#lastFailed] : []
  }

  /** The next one, with its seat, or why there is none. */
  async #next(): Promise<Seat<Served> | Failure> {
    const { patienceMs, untilMs, cancel } = this.#options
    // Whatever this request has in hand itself will be over.
    const giveUpMs = this.#inHand > 0 ? untilMs : Math.min(Date.now() + patienceMs, untilMs)
    for (let obstacles: Obstacle[] = []; ;) {
      cancel.throwIfAborted()
      const left = this.#left
      if (left.length === 0) return this.#failure(obstacles)
      if (left.some((each) => this.#errors.has(each))) await pause(BACK_OFF_MS * (0.5 + Math.random()))
      const found = await this.#takeAny(left, giveUpMs)
      if ('candidate' in found) {
        if (this.#left.includes(found.candidate)) return found
        // By what became of others meanwhile, it is not to be asked any more.
        await this.unused(found)
        continue
      }
      obstacles = found
      const waits = found
        .filter(({ hindrance }) => BUSY.includes(hindrance))
        .map((each) => (each.hindrance === 'probing' ? each.untilMs : giveUpMs) - Date.now())
      if (Math.max(0, ...waits) <= 0) return this.#failure(found)
      await pause(Math.min(AGAIN_MS, ...waits.filter((each) => each > 0)))
    }
  }

  /** A seat at the first who has one, or what is in the way of each. */
  async #takeAny(left: readonly Served[], giveUpMs: number): Promise<Seat<Served> | Obstacle[]> {
    const obstacles: Obstacle[] = []
    const [only, another] = left
    const { order, passedOver } =
      only && !another
        ? { order: [only], passedOver: [] }
        : choose(await this.#choices(left), Date.now(), Math.random())
    for (const { item, obstacle } of passedOver) obstacles.push(this.#inTheWay(item, obstacle))
    for (const candidate of order) {
      const isAlone = left.length === 1
      const seat = { candidate, id: `${this.#options.id}.${this.#seats++}`, sinceMs: Date.now() }
      const obstacle = await this.#take(seat, { patienceMs: isAlone ? giveUpMs - Date.now() : 0, alone: isAlone })
      if (!obstacle) return { ...seat, sinceMs: Date.now() }
      obstacles.push(this.#inTheWay(candidate, obstacle))
    }
    return obstacles
  }

  #choices(left: readonly Served[]): Promise<Parameters<typeof choose<Served>>[0]> {
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

  /** Takes up a request that an account has in hand already, whatever is in the way of others. */
  async #resume({ candidate, id }: Pick<Seat<Served>, 'candidate' | 'id'>): Promise<Seat<Served>> {
    const seat = { candidate, id, sinceMs: Date.now() }
    // It has its seat whether the account can be reached or not.
    if (await this.#take(seat, AS_IT_IS)) this.#takeDown()
    return seat
  }

  #enter({ candidate: { upstream, model }, id }: Seat<Served>, how: Manner): Promise<Obstacle | undefined> {
    return enter(this.#options.accounts, upstream, { id, model, holdMs: upstream.timeoutMs + GRACE_MS, ...how })
  }

  async #take(seat: Seat<Served>, how: Manner): Promise<Obstacle | undefined> {
    const { accounts, cancel } = this.#options
    const { upstream, model } = seat.candidate
    const entering = this.#enter(seat, how)
    try {
      const obstacle = await withDeadline(how.patienceMs + REACH_MS, () => entering, cancel)
      if (!obstacle) this.#takeDown()
      return obstacle
    } catch (error) {
      void entering.then((obstacle) =>
        obstacle ? undefined : leave(accounts, upstream, { id: seat.id, model }, { is: 'cancelled' }),
      )
      if (error instanceof DeadlineExceeded) return { hindrance: 'unreachable', untilMs: Date.now() }
      throw error
    }
  }

  #takeDown(): void {
    this.#taken += 1
    this.#inHand += 1
  }

  async #leave(
    { candidate: { upstream, model }, id }: Seat<Served>,
    outcome: CallOutcome,
    tookMs?: number,
  ): Promise<void> {
    this.#inHand -= 1
    await leave(this.#options.accounts, upstream, { id, model }, outcome, tookMs)
  }

  /** Told but once: whoever waits looks again and again. */
  #inTheWay(candidate: Served, obstacle: Obstacle): Obstacle {
    if (!this.#steps.includes(stepOf(candidate, obstacle.hindrance))) this.#note(candidate, obstacle.hindrance)
    return obstacle
  }

  #note(candidate: Served, came: string): void {
    this.#steps.push(stepOf(candidate, came))
  }

  #failure(obstacles: readonly Obstacle[]): Failure {
    return routeFailure([...this.#errors.values()].flat(), obstacles, Date.now())
  }
}

const stepOf = ({ upstream: { name, account } }: Candidate, came: string): string => `${name}/${account} ${came}`
