import type { Failure } from '../failures/errors'
import { ProviderError, type Upstream } from '../providers/provider'
import { pause } from '../runtime/deadline'
import { healthOf, isKnownWell, type LookAhead } from './accounts'
import type { Candidate } from './candidates'
import { choose, type Ranking } from './choose'
import type { CallOutcome, Health } from './health'
import { afterPause, afterSight, callable, failedCall, newSearch, type NextStep } from './next-step'
import { nextRouteStep, type Search, type Situation } from './next-step'
import { accountKey, type RouteEvent, type RouteHistory, stepsIn, withEvent } from './route-history'
import { extendSlot, freeSlot, outcomeOf, type Slot, type SlotClient, takeSlot, takeSlotMeanwhile } from './slot-client'

/** The time for which a look ahead counts, in ms: an account without health may soon have it again. */
const AHEAD_MS = 1000

/** The options of a route. */
interface RouteOptions<Served extends Candidate>
  extends SlotClient, Omit<Situation<Served>, 'history' | 'nowMs' | 'well'> {
  /** The number of adaptations for a candidate; lower comes first. */
  distance?: (candidate: Served) => number
  /** The prefix of the slots' ids. */
  id: string
  /** Aborted when the answer is no longer wanted. */
  cancel: AbortSignal
  /** The `steps` of an earlier process. */
  before?: string | undefined
  /** The losses of earlier processes, which count towards the most of a request. */
  lostBefore?: RouteHistory
  /** A look at the candidates shortly before, which the first look of the route is. */
  ahead?: LookAhead | undefined
  /** Receives each failure. */
  onFailure: (candidate: Served, error: ProviderError) => void
}

/** The end of a search without a slot. */
type NoSlot = { is: 'failed'; failure: Failure } | { is: 'calledOff' }

/** A slot, or the search after a step. */
type StepResult<Served extends Candidate> = { slot: Slot<Served> } | { slot?: undefined; search: Search }

/** The route of one request: it calls candidates one after the other and notes the outcomes. */
export class Route<Served extends Candidate> {
  readonly #options: RouteOptions<Served>
  #history: RouteHistory
  /** The waits under way with their candidates; undefined for a wait for any. A failure aborts the useless ones. */
  readonly #waits = new Map<AbortController, Served | undefined>()
  /** The slots on their way, by their ids. */
  readonly #entering = new Map<string, Promise<void>>()
  /** The healths of a look shortly before that the route has not used. */
  readonly #ahead: Map<Upstream, Health>
  #ids = 0
  #slotsInHand = 0

  constructor(options: RouteOptions<Served>) {
    this.#options = options
    this.#history = options.lostBefore ?? []
    this.#ahead = new Map(options.ahead?.healths)
  }

  /** The candidates that were called or passed over, and their outcomes in order, for audits and `server-timing`. */
  get steps(): string {
    const { before } = this.#options
    return [...(before ? [before] : []), ...stepsIn(this.#history)].join(', ')
  }

  /**
   * Calls one candidate after the other until one succeeds; its slot stays taken. `first` is a slot of an earlier process.
   * An abort of `callOff` ends the search for a slot, and no call. Throws any error but ProviderError.
   */
  async inTurn<T>(
    attempt: (slot: Slot<Served>) => Promise<T>,
    { first, callOff }: { first?: Slot<Served> | undefined; callOff?: AbortSignal } = {},
  ): Promise<{ is: 'answered'; value: T; slot: Slot<Served> } | NoSlot> {
    for (let resumed = first; ; resumed = undefined) {
      const found = resumed ? await this.#resume(resumed) : await this.#find(callOff)
      if (found.is !== 'found') return found
      const { slot } = found
      try {
        return { is: 'answered', value: await attempt(slot), slot }
      } catch (error) {
        await this.#failed(slot, error)
        if (!(error instanceof ProviderError)) throw error
      }
    }
  }

  /** Frees the slot of an answered request. Never throws. */
  async served(slot: Slot<Served>): Promise<void> {
    this.#note({ came: 'served', account: accountKey(slot.candidate) })
    await this.#giveBack(slot, { is: 'served' }, Date.now() - slot.sinceMs)
  }

  /** Frees the slot of an answer that broke off after it had begun. Never throws. */
  broken(slot: Slot<Served>): Promise<void> {
    return this.#failed(slot, new ProviderError('lost', 'broke off its answer'))
  }

  /** Frees an unused slot. Never throws. */
  unused(slot: Slot<Served>): Promise<void> {
    return this.#giveBack(slot, { is: 'cancelled' })
  }

  /** Extends a slot by its full time. Never throws. */
  keep(slot: Slot<Served>): Promise<void> {
    return extendSlot(this.#options, slot)
  }

  /** Continues a call that the account knows already. The slot counts as taken if the account cannot be reached. */
  async #resume(slot: Slot<Served>): Promise<{ is: 'found'; slot: Slot<Served> }> {
    await this.keep(slot)
    this.#slotsInHand += 1
    return { is: 'found', slot }
  }

  /** Searches a slot step by step. Throws the reason of `cancel`. */
  async #find(callOff?: AbortSignal): Promise<{ is: 'found'; slot: Slot<Served> } | NoSlot> {
    const { cancel } = this.#options
    for (let search = newSearch(this.#situation, this.#slotsInHand); ;) {
      cancel.throwIfAborted()
      const step = nextRouteStep(this.#situation, search, Math.random())
      if (step.do === 'fail') return { is: 'failed', failure: step.failure }
      if (callOff?.aborted) return { is: 'calledOff' }
      const useless = new AbortController()
      const signal = AbortSignal.any([cancel, useless.signal, ...(callOff ? [callOff] : [])])
      this.#waits.set(useless, step.do === 'call' ? step.candidate : undefined)
      const after = await this.#perform(step, search, signal).finally(() => this.#waits.delete(useless))
      if (after.slot) return { is: 'found', slot: after.slot }
      search = after.search
    }
  }

  async #perform(
    step: Exclude<NextStep<Served>, { do: 'fail' }>,
    search: Search,
    signal: AbortSignal,
  ): Promise<StepResult<Served>> {
    switch (step.do) {
      case 'look':
        return { search: this.#seen(search, await this.#look(step.candidates)) }
      case 'wait':
        await pause(step.untilMs - Date.now(), signal).catch(() => {})
        return { search: signal.aborted ? search : afterPause(search, step.untilMs) }
      case 'call':
        return await this.#take(step, search, signal)
    }
  }

  async #look(candidates: readonly Served[]): Promise<Ranking<Served>> {
    const { accounts, distance, source } = this.#options
    const choices = candidates.map(async (item) => {
      const { upstream, model } = item
      const health = this.#takeAhead(upstream) ?? (await healthOf(accounts, upstream, { model, payer: source.payer }))
      return { item, upstream, model, distance: distance?.(item) ?? 0, health }
    })
    return choose(await Promise.all(choices), source.payer, Date.now(), Math.random())
  }

  /** The health of a look shortly before, for one use; undefined for none. */
  #takeAhead(upstream: Upstream): Health | undefined {
    const health = this.#ahead.get(upstream)
    this.#ahead.delete(upstream)
    const { atMs = 0 } = this.#options.ahead ?? {}
    return Date.now() < atMs + AHEAD_MS ? health : undefined
  }

  async #take(
    { candidate, waitUntilMs, isOnlyCandidate, isAtOnce }: Extract<NextStep<Served>, { do: 'call' }>,
    search: Search,
    signal: AbortSignal,
  ): Promise<StepResult<Served>> {
    const slot = { candidate, id: `${this.#options.id}.${this.#ids++}`, sinceMs: Date.now() }
    if (isAtOnce) {
      this.#entering.set(slot.id, takeSlotMeanwhile(this.#options, slot))
      this.#slotsInHand += 1
      return { slot }
    }
    const terms = { patienceMs: Math.max(0, waitUntilMs - slot.sinceMs), isOnlyCandidate }
    const taken = await takeSlot(this.#options, slot, terms, signal)
    if (!taken) return { search }
    if (taken.reason) {
      const passedOver = [{ item: candidate, unavailability: taken }]
      return { search: this.#seen(search, { order: [], passedOver }) }
    }
    this.#slotsInHand += 1
    if (callable(this.#situation).includes(candidate)) return { slot: { ...slot, sinceMs: Date.now() } }
    // The fate of other calls has ruled this candidate out meanwhile.
    await this.unused(slot)
    return { search }
  }

  #seen(search: Search, ranking: Ranking<Served>): Search {
    for (const { item, unavailability } of ranking.passedOver)
      this.#note({ came: 'unavailable', account: accountKey(item), reason: unavailability.reason })
    return afterSight(search, ranking)
  }

  /** Notes a failed call, ends the waits that it makes useless, and frees the slot. Never throws. */
  async #failed(slot: Slot<Served>, error: unknown): Promise<void> {
    const { candidate } = slot
    if (error instanceof ProviderError) {
      this.#note(failedCall(this.#situation, candidate, error, Math.random()))
      this.#options.onFailure(candidate, error)
    } else this.#note({ came: 'cancelled', account: accountKey(candidate) })
    const left = callable(this.#situation)
    for (const [useless, awaited] of this.#waits)
      if (awaited ? !left.includes(awaited) : left.length === 0) useless.abort()
    await this.#giveBack(slot, outcomeOf(error))
  }

  async #giveBack(slot: Slot<Served>, outcome: CallOutcome, tookMs?: number): Promise<void> {
    this.#slotsInHand -= 1
    // A slot that is freed before it is taken would stay.
    await this.#entering.get(slot.id)
    this.#entering.delete(slot.id)
    await freeSlot(this.#options, slot, outcome, tookMs)
  }

  #note(event: RouteEvent): void {
    this.#history = withEvent(this.#history, event)
  }

  get #situation(): Situation<Served> {
    const { candidates, source } = this.#options
    const nowMs = Date.now()
    const isWell = ({ upstream, model }: Served): boolean =>
      isKnownWell(upstream, { model, payer: source.payer }, nowMs)
    const well = new Set(candidates.filter(isWell).map(accountKey))
    return { ...this.#options, history: this.#history, nowMs, well }
  }
}
