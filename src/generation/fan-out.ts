import type { Failure } from '../runtime/errors'
import { ProviderError } from '../providers/provider'
import type { FittedCandidate } from '../upstreams/route-plan'
import { accountIdOf } from '../upstreams/accounts'
import type { Route } from '../upstreams/route'
import type { Slot } from '../upstreams/route-options'
import { makeCall } from './call'
import { type Call, end, missingFrom, missingOf, type Progress } from './progress'
import type { Run } from './run'

/** As many calls are made at once: an object has six connections that wait for their answers, R2's among them (platform §1). */
const MAX_AT_ONCE = 4

/** A call of an earlier process, and whose slot it has. */
export interface Resumed {
  slot: Slot<FittedCandidate>
  call: Call
}

/** Has the pictures made that are missing, by as many calls as that takes, several at once. */
export class FanOut {
  readonly #run: Run
  readonly #route: Route<FittedCandidate>
  readonly #progress: Progress
  readonly #fewest: number
  readonly #stop = new AbortController()
  #missing: number[] = []
  #works: Promise<void>[] = []
  /** How many of those are under way, and how many of those wait for a slot. */
  #working = 0
  #seeking = 0
  #failure: Failure | undefined
  #calls = 0

  /** `fewest` is how many pictures any call makes at least. */
  constructor(run: Run, route: Route<FittedCandidate>, progress: Progress, fewest: number) {
    this.#run = { ...run, cancel: AbortSignal.any([run.cancel, this.#stop.signal]) }
    this.#route = route
    this.#progress = progress
    this.#fewest = fewest
  }

  /** Resolves when no more can be had, with the reason if some are missing for one. Throws what no upstream is to blame for. */
  async fill(resumed: readonly Resumed[]): Promise<Failure | undefined> {
    const underWay = resumed.flatMap(({ call }) => call.wanted)
    this.#missing = missingFrom(this.#progress, this.#run.task).filter((index) => !underWay.includes(index))
    for (const each of resumed) this.#begin(each)
    this.#beginMore()
    // More may be begun while these are awaited.
    for (let at = 0; at < this.#works.length; at++) await this.#works[at]
    return this.#failure
  }

  /** One at a time: each begins the next one once it has found somebody. */
  #beginMore(): void {
    if (this.#isShort(this.#seeking) && this.#working < MAX_AT_ONCE) this.#begin()
  }

  /** Whether more is missing than so many calls make. */
  #isShort(calls: number): boolean {
    return this.#missing.length > calls * this.#fewest
  }

  #begin(resumed?: Resumed): void {
    this.#working += 1
    const work = this.#work(resumed)
      .catch((error: unknown) => {
        this.#stop.abort(error)
        throw error
      })
      .finally(() => (this.#working -= 1))
    // Whoever comes first is awaited first; the others' failures are the same.
    work.catch(() => {})
    this.#works.push(work)
  }

  async #work(resumed: Resumed | undefined): Promise<void> {
    for (let first = resumed; first || this.#isShort(this.#seeking); first = undefined) {
      let taken = first?.call
      let isCalledOff = false
      if (!taken) this.#seeking += 1
      const isWanted = (): boolean => {
        isCalledOff = !this.#isShort(this.#seeking - 1)
        return !isCalledOff
      }
      const attempt = async (slot: Slot<FittedCandidate>): Promise<boolean> => {
        const call = taken
        taken = undefined
        return await this.#call(slot, call)
      }
      const made = await this.#route.inTurn(attempt, { first: first?.slot, isWanted })
      if (!made.ok) {
        this.#seeking -= 1
        this.#failure = made.failure
        // Others who were called off at the same moment may have left what was missing to this one.
        if (isCalledOff) continue
        return
      }
      const { slot, value: wasCalled } = made.value
      // Nobody need wait until the account has heard of it.
      void (wasCalled ? this.#route.served(slot) : this.#route.unused(slot))
    }
  }

  /**
   * Has one upstream make as many of the missing pictures as it makes at once; what it leaves is for the next one. False
   * where none was missing any more.
   */
  async #call(slot: Slot<FittedCandidate>, resumed: Call | undefined): Promise<boolean> {
    const { candidate } = slot
    // What its upstream has in hand is stopped there.
    if (!resumed) {
      this.#run.cancel.throwIfAborted()
      this.#seeking -= 1
    }
    const call = resumed ?? this.#newCall(slot)
    if (call.wanted.length === 0) return false
    // Should the process die, its slot is given back, or taken up.
    this.#note()
    this.#beginMore()
    this.#route.lookAgain()
    try {
      await makeCall(this.#run, candidate, call, this.#progress, `${this.#run.id}${++this.#calls}`)
    } catch (error) {
      const isRefused = error instanceof ProviderError && error.kind === 'rejected'
      if (!isRefused) this.#missing.push(...missingOf(call, this.#progress))
      this.#seeking += 1
      end(call, this.#progress)
      if (error instanceof ProviderError) tellOf(call, error)
      if (!this.#run.cancel.aborted) this.#note()
      throw error
    }
    call.isOver = true
    // What it said of tokens is not to be lost should the process die before the run has ended.
    this.#note()
    return true
  }

  #note(): void {
    this.#progress.route = this.#route.steps
    this.#run.note(this.#progress)
  }

  #newCall({ candidate, id }: Slot<FittedCandidate>): Call {
    const { upstream, model, perCall, adjustments, request } = candidate
    const { size, quality, format } = request
    const call: Call = {
      seat: id,
      accountId: accountIdOf(upstream),
      upstream: { name: upstream.name, account: upstream.account },
      model,
      startedMs: Date.now(),
      wanted: this.#missing.splice(0, perCall),
      adjusted: adjustments.map(({ note }) => note),
      asked: { size, quality, format },
    }
    if (call.wanted.length > 0) this.#progress.calls.push(call)
    return call
  }
}

/** What an upstream said of itself when it failed. */
function tellOf(call: Call, { facts: { requestId, organization } }: ProviderError): void {
  if (requestId) call.upstream = { ...call.upstream, requestId, organization }
}
