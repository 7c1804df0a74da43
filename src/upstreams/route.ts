import { type Result, failed, ok } from '../runtime/errors'
import { ProviderError } from '../providers/provider'
import { countLost, mayDoBetter, outcomeOf } from './after-failure'
import type { Candidate } from './candidates'
import { routeFailure } from './route-failure'
import type { RouteOptions, Slot } from './route-options'
import { SlotSearch } from './slot-search'

/** How often a request may be paid for when its first answer could not be read. */
const MAX_LOST = 2
/** How many rests of one account are sat out. */
const MAX_RESTS = 12

/** How the calls of a request go on. */
interface Course<Served extends Candidate> {
  /** Whose seat is made use of before any other is looked for. */
  first?: Slot<Served> | undefined
  /** Whether anything is left to be asked for; it is looked at again by `lookAgain`. */
  isWanted?: () => boolean
}

/** The way of one request among those who can serve it: who is asked, in which order, and what became of each. */
export class Route<Served extends Candidate> {
  readonly #options: RouteOptions<Served>
  readonly #search: SlotSearch<Served>
  readonly #errors = new Map<Served, ProviderError[]>()
  readonly #steps: string[] = []
  #lastFailed: Served | undefined
  #served = 0

  constructor(options: RouteOptions<Served>) {
    this.#options = options
    if (options.before) this.#steps.push(options.before)
    this.#search = new SlotSearch(options, {
      left: () => this.#left,
      failures: (candidate) => this.#errors.get(candidate)?.length ?? 0,
      onObstacle: (candidate, { hindrance }) => this.#noteOnce(candidate, hindrance),
    })
  }

  /** Who was passed over or asked, and what came of it, in order, as audits and `server-timing` tell it. */
  get steps(): string {
    return this.#steps.join(', ')
  }

  /** How often somebody was asked. */
  get attempts(): number {
    return this.#search.taken
  }

  /**
   * Asks one after the other until one succeeds, who keeps its seat until that is given back. What was paid for and lost is
   * tried once more, and so is the only one who can serve it and failed in passing. Throws what is no ProviderError.
   */
  async inTurn<T>(
    attempt: (seat: Slot<Served>) => Promise<T>,
    { first, isWanted = () => true }: Course<Served> = {},
  ): Promise<Result<{ value: T; seat: Slot<Served> }>> {
    for (let resumed = first; ; resumed = undefined) {
      const { seat, obstacles } = resumed
        ? { seat: await this.#search.resume(resumed), obstacles: [] }
        : await this.#search.find(isWanted)
      if (!seat) return failed(routeFailure([...this.#errors.values()].flat(), obstacles, Date.now()))
      try {
        return ok({ value: await attempt(seat), seat })
      } catch (error) {
        await this.#failed(seat, error)
      }
    }
  }

  /** Has whoever waits for a seat look whether it is still of any use. */
  lookAgain(): void {
    this.#search.lookAgain()
  }

  /** Gives back a seat whose request was answered. Never throws. */
  async served(seat: Slot<Served>): Promise<void> {
    const { candidate } = seat
    this.#served += 1
    this.#note(candidate, 'served')
    const inEarnest = this.#errors.get(candidate)?.filter(({ kind }) => kind !== 'unavailable') ?? []
    if (inEarnest.length > 0) this.#errors.set(candidate, inEarnest)
    else this.#errors.delete(candidate)
    await this.#search.giveBack(seat, { is: 'served' }, Date.now() - seat.sinceMs)
  }

  /** Gives back a seat whose answer broke off after it had begun. Never throws. */
  async broken(seat: Slot<Served>): Promise<void> {
    const error = new ProviderError('lost', 'broke off its answer')
    this.#note(seat.candidate, error.kind)
    this.#options.onFailure(seat.candidate, error)
    await this.#search.giveBack(seat, outcomeOf(error))
  }

  /** Keeps a seat for as long again. Never throws. */
  async keep(seat: Slot<Served>): Promise<void> {
    await this.#search.keep(seat)
  }

  /** Gives back a seat of which nothing was asked. Never throws. */
  async unused(seat: Slot<Served>): Promise<void> {
    await this.#search.unused(seat)
  }

  async #failed(seat: Slot<Served>, error: unknown): Promise<void> {
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
    this.lookAgain()
    await this.#search.giveBack(seat, outcomeOf(error))
    if (!(error instanceof ProviderError)) throw error
  }

  /** Who may still be asked: whoever has not failed; where all have, the last one, if it may do better the next time. */
  get #left(): Served[] {
    const { candidates, untilMs } = this.#options
    const errors = [...this.#errors.values()].flat()
    const isOver = errors.some(({ kind }) => kind === 'rejected') || countLost(errors) >= MAX_LOST
    if (isOver || Date.now() >= untilMs) return []
    const fresh = candidates.filter((each) => this.#isFresh(each))
    if (fresh.length > 0 || !this.#lastFailed) return fresh
    return mayDoBetter(this.#errors.get(this.#lastFailed), candidates.length) ? [this.#lastFailed] : []
  }

  /** One that only wants to be left alone for a while has not failed whoever sits that out, but for so long. */
  #isFresh(candidate: Served): boolean {
    const errors = this.#errors.get(candidate) ?? []
    if (errors.length === 0) return true
    const { waitsOutCooldown } = this.#options
    return waitsOutCooldown === true && errors.length < MAX_RESTS && errors.every(({ kind }) => kind === 'throttled')
  }

  /** Told but once: whoever waits looks again and again. */
  #noteOnce(candidate: Served, came: string): void {
    if (!this.#steps.includes(stepOf(candidate, came))) this.#note(candidate, came)
  }

  #note(candidate: Served, came: string): void {
    this.#steps.push(stepOf(candidate, came))
  }
}

const stepOf = ({ upstream: { name, account } }: Candidate, came: string): string => `${name}/${account} ${came}`
