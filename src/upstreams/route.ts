import { type Result, failed, ok } from '../failures/errors'
import { ProviderError } from '../providers/provider'
import { countLost, isWorthAnotherCall, outcomeOf } from './after-failure'
import type { Candidate } from './candidates'
import { routeFailure } from './route-failure'
import type { RouteOptions, Slot } from './route-options'
import { SlotSearch } from './slot-search'

/** The number of paid calls with an unreadable answer. */
const MAX_LOST = 2
/** The number of cooldowns of one account that a job waits out. */
const MAX_COOLDOWNS = 12

/** The options of one turn through the candidates. */
interface TurnOptions<Served extends Candidate> {
  /** A slot of an earlier process, which is used first. */
  first?: Slot<Served> | undefined
  /** Whether more is wanted; `lookAgain` checks it again. */
  isWanted?: () => boolean
}

/** The route of one request: it calls candidates one after the other and notes the outcomes. */
export class Route<Served extends Candidate> {
  readonly #options: RouteOptions<Served>
  readonly #search: SlotSearch<Served>
  readonly #errors = new Map<Served, ProviderError[]>()
  readonly #steps: string[] = []
  /** Losses of earlier processes that speak against no candidate. */
  readonly #interrupted: ProviderError[] = []
  #lastFailed: Served | undefined
  #served = 0

  constructor(options: RouteOptions<Served>) {
    this.#options = options
    if (options.before) this.#steps.push(options.before)
    for (const { candidate, isUnusable } of options.lostBefore ?? []) {
      const error = new ProviderError('lost', 'lost its result before', { isUnusable })
      if (candidate) this.#noteError(candidate, error)
      else this.#interrupted.push(error)
    }
    this.#search = new SlotSearch(options, {
      left: () => this.#left,
      failures: (candidate) => this.#errors.get(candidate)?.length ?? 0,
      onUnavailable: (candidate, { reason }) => this.#noteOnce(candidate, reason),
    })
  }

  /** The candidates that were called or passed over, and their outcomes in order, for audits and `server-timing`. */
  get steps(): string {
    return this.#steps.join(', ')
  }

  /** The number of calls. */
  get attempts(): number {
    return this.#search.taken
  }

  /**
   * Calls one candidate after the other until one succeeds; its slot stays taken. A lost result is tried once more, and
   * so is an only candidate that was unavailable. An account with an unusable answer is not called again. Throws any
   * error but ProviderError.
   */
  async inTurn<T>(
    attempt: (slot: Slot<Served>) => Promise<T>,
    { first, isWanted = () => true }: TurnOptions<Served> = {},
  ): Promise<Result<{ value: T; slot: Slot<Served> }>> {
    for (let resumed = first; ; resumed = undefined) {
      const { slot, unavailabilities } = resumed
        ? { slot: await this.#search.resume(resumed), unavailabilities: [] }
        : await this.#search.find(isWanted)
      if (!slot) return failed(routeFailure(this.#allErrors, unavailabilities, Date.now()))
      try {
        return ok({ value: await attempt(slot), slot })
      } catch (error) {
        await this.#failed(slot, error)
      }
    }
  }

  /** Makes each wait for a slot check whether the slot is still wanted. */
  lookAgain(): void {
    this.#search.lookAgain()
  }

  /** Frees the slot of an answered request. Never throws. */
  async served(slot: Slot<Served>): Promise<void> {
    const { candidate } = slot
    this.#served += 1
    this.#note(candidate, 'served')
    const inEarnest = this.#errors.get(candidate)?.filter(({ kind }) => kind !== 'unavailable') ?? []
    if (inEarnest.length > 0) this.#errors.set(candidate, inEarnest)
    else this.#errors.delete(candidate)
    await this.#search.giveBack(slot, { is: 'served' }, Date.now() - slot.sinceMs)
  }

  /** Frees the slot of an answer that broke off after it had begun. Never throws. */
  async broken(slot: Slot<Served>): Promise<void> {
    const error = new ProviderError('lost', 'broke off its answer')
    this.#note(slot.candidate, error.kind)
    this.#options.onFailure(slot.candidate, error)
    await this.#search.giveBack(slot, outcomeOf(error))
  }

  /** Extends a slot by its full time. Never throws. */
  async keep(slot: Slot<Served>): Promise<void> {
    await this.#search.keep(slot)
  }

  /** Frees an unused slot. Never throws. */
  async unused(slot: Slot<Served>): Promise<void> {
    await this.#search.unused(slot)
  }

  async #failed(slot: Slot<Served>, error: unknown): Promise<void> {
    const { candidate } = slot
    this.#note(candidate, error instanceof ProviderError ? error.kind : 'cancelled')
    if (error instanceof ProviderError) {
      this.#options.onFailure(candidate, error)
      // After a success, a rejection concerns one image and not the request.
      if (error.kind !== 'rejected' || this.#served === 0) this.#noteError(candidate, error)
    }
    this.lookAgain()
    await this.#search.giveBack(slot, outcomeOf(error))
    if (!(error instanceof ProviderError)) throw error
  }

  #noteError(candidate: Served, error: ProviderError): void {
    this.#lastFailed = candidate
    this.#errors.set(candidate, [...(this.#errors.get(candidate) ?? []), error])
  }

  get #allErrors(): ProviderError[] {
    return [...this.#interrupted, ...[...this.#errors.values()].flat()]
  }

  /**
   * The candidates that may still be called: those without a failure. After the last failure, its candidate if one more
   * call may help.
   */
  get #left(): Served[] {
    const { candidates, untilMs } = this.#options
    const errors = this.#allErrors
    const isOver = errors.some(({ kind }) => kind === 'rejected') || countLost(errors) >= MAX_LOST
    if (isOver || Date.now() >= untilMs) return []
    const fresh = candidates.filter((each) => this.#isFresh(each) && !this.#failedAs(each.upstream.name))
    if (fresh.length > 0 || !this.#lastFailed) return fresh
    return isWorthAnotherCall(this.#errors.get(this.#lastFailed), candidates.length) ? [this.#lastFailed] : []
  }

  /** Whether an account of this upstream failed as all of them would. */
  #failedAs(name: string): boolean {
    return [...this.#errors].some(
      ([{ upstream }, errors]) => upstream.name === name && errors.some(({ facts }) => facts.isOfUpstream),
    )
  }

  /** A cooldown is no failure for a job that waits it out, up to a number of times. */
  #isFresh(candidate: Served): boolean {
    const errors = this.#errors.get(candidate) ?? []
    if (errors.length === 0) return true
    const { waitsOutCooldown } = this.#options
    return (
      waitsOutCooldown === true && errors.length < MAX_COOLDOWNS && errors.every(({ kind }) => kind === 'throttled')
    )
  }

  /** A waiting request meets the same reason again and again; it is noted once. */
  #noteOnce(candidate: Served, came: string): void {
    if (!this.#steps.includes(stepOf(candidate, came))) this.#note(candidate, came)
  }

  #note(candidate: Served, came: string): void {
    this.#steps.push(stepOf(candidate, came))
  }
}

const stepOf = ({ upstream: { name, account } }: Candidate, came: string): string => `${name}/${account} ${came}`
