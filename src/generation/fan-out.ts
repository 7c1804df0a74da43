import { type Failure, GatewayError } from '../failures/errors'
import { ProviderError } from '../providers/provider'
import type { FittedCandidate } from '../upstreams/route-plan'
import { takesPictures } from '../store/writes'
import { accountIdOf } from '../upstreams/accounts'
import type { Route } from '../upstreams/route'
import type { Slot } from '../upstreams/slot-client'
import { makeCall } from './call'
import { type Call, end, missingFrom, missingOf, type Progress } from './progress'
import type { RunContext } from './run-context'
import { type CallContext, endingOfFailed, endingOfMade } from './spending'

/** Calls at once. An object has six connections that wait for a response, and R2 needs some of them (platform §1). */
const MAX_AT_ONCE = 4

/** A call of an earlier process, and its slot. */
export interface Resumed {
  slot: Slot<FittedCandidate>
  call: Call
}

/** Makes the missing images by as many calls as it takes, several at once. */
export class FanOut {
  readonly #run: RunContext
  readonly #route: Route<FittedCandidate>
  readonly #progress: Progress
  #fewest: number
  /** The images per call of candidates that made fewer than asked. */
  readonly #mostPerCall = new Map<FittedCandidate, number>()
  readonly #stop = new AbortController()
  #missing: number[] = []
  #works: Promise<void>[] = []
  #inProgress = 0
  /** Searches for a slot under way; each is called off by its signal. */
  readonly #searches = new Set<AbortController>()
  #failure: Failure | undefined
  #calls = 0

  /** `fewest` is the fewest images of any call. */
  constructor(run: RunContext, route: Route<FittedCandidate>, progress: Progress, fewest: number) {
    this.#run = { ...run, cancel: AbortSignal.any([run.cancel, this.#stop.signal]) }
    this.#route = route
    this.#progress = progress
    this.#fewest = fewest
  }

  /** Resolves when no more images can be made, with the failure if some are missing. Throws an error of the gateway. */
  async fill(resumed: readonly Resumed[]): Promise<Failure | undefined> {
    const underWay = resumed.flatMap(({ call }) => call.wanted)
    this.#missing = missingFrom(this.#progress, this.#run.task).filter((index) => !underWay.includes(index))
    for (const each of resumed) this.#begin(each)
    this.#beginMore()
    // More calls may begin while these are awaited. After an error, the others are stopping: each has its cost.
    for (let at = 0; at < this.#works.length; at++) await this.#works[at]?.catch(() => {})
    await Promise.all(this.#works)
    return this.#failure
  }

  /** Begins one call at a time: each begins the next one when it has a slot. */
  #beginMore(): void {
    if (this.#isShort(this.#searches.size) && this.#inProgress < MAX_AT_ONCE) this.#begin()
  }

  /** Whether more images are missing than so many calls make. */
  #isShort(calls: number): boolean {
    return this.#missing.length > calls * this.#fewest
  }

  #begin(resumed?: Resumed): void {
    this.#inProgress += 1
    const work = this.#work(resumed)
      .catch((error: unknown) => {
        this.#stop.abort(error)
        throw error
      })
      .finally(() => (this.#inProgress -= 1))
    // The first failed call is awaited first; the others fail with the same error.
    work.catch(() => {})
    this.#works.push(work)
  }

  /** Calls off the searches for images that are no longer missing, the newest first. */
  #callOff(): void {
    for (const search of [...this.#searches].toReversed()) {
      if (this.#isShort(this.#searches.size - 1)) return
      this.#searches.delete(search)
      search.abort()
    }
  }

  async #work(resumed: Resumed | undefined): Promise<void> {
    for (let first = resumed; first || this.#isShort(this.#searches.size); first = undefined) {
      const search = new AbortController()
      let taken = first?.call
      if (!taken) this.#searches.add(search)
      const attempt = async (slot: Slot<FittedCandidate>): Promise<boolean> => {
        const call = taken
        taken = undefined
        return await this.#call(slot, call, search)
      }
      const options = { first: first?.slot, callOff: search.signal }
      const made = await this.#route.inTurn(attempt, options).catch(unlessStorageDown)
      this.#searches.delete(search)
      if (made.is === 'failed') this.#failure = made.failure
      if (made.is !== 'answered') return
      // The report to the account needs no wait.
      void (made.value ? this.#route.served(made.slot) : this.#route.unused(made.slot))
    }
  }

  /**
   * Has one upstream make as many missing images as one call makes; the rest is for the next call. False if none was
   * missing.
   */
  async #call(slot: Slot<FittedCandidate>, resumed: Call | undefined, search: AbortController): Promise<boolean> {
    const { candidate } = slot
    // A resumed call is in progress at its upstream, which stops it.
    if (!resumed) {
      if (!(await takesPictures(this.#run.env.IMAGES))) throw new StorageDown(NOT_BOUGHT)
      this.#run.cancel.throwIfAborted()
      this.#searches.delete(search)
    }
    const call = resumed ?? this.#newCall(slot)
    if (call.wanted.length === 0) return false
    // After a crash the slot is freed or resumed.
    this.#note()
    this.#beginMore()
    this.#callOff()
    try {
      await makeCall(this.#run, candidate, call, this.#progress, `${this.#run.id}${++this.#calls}`)
    } catch (error) {
      call.ending ??= endingOfFailed(this.#contextOf(call), error)
      const isRefused = error instanceof ProviderError && error.kind === 'rejected'
      if (!isRefused) this.#missing.push(...missingOf(call, this.#progress))
      end(call, this.#progress)
      this.#searches.add(search)
      this.#callOff()
      if (error instanceof ProviderError) noteIds(call, error)
      if (!this.#run.cancel.aborted) this.#note()
      throw error
    }
    this.#fillUp(candidate, call)
    call.isOver = true
    call.ending = endingOfMade(this.#contextOf(call))
    // The reported usage must survive a crash before the run ends, which the last call does in this step.
    if (this.#missing.length > 0 || this.#inProgress > 1) this.#note()
    return true
  }

  /** Leaves the missing images to further calls, if each call of the candidate makes fewer than asked. */
  #fillUp(candidate: FittedCandidate, call: Call): void {
    const most = call.summary?.mostPerCall
    if (most === undefined) return
    this.#missing.push(...missingOf(call, this.#progress))
    end(call, this.#progress)
    this.#mostPerCall.set(candidate, most)
    this.#fewest = Math.min(this.#fewest, most)
  }

  #contextOf(call: Call): CallContext {
    const { task, config } = this.#run
    return { call, progress: this.#progress, task, config }
  }

  #note(): void {
    this.#progress.route = this.#route.steps
    this.#run.save(this.#progress)
  }

  #newCall({ candidate, id }: Slot<FittedCandidate>): Call {
    const { upstream, model, adjustments, request } = candidate
    const perCall = this.#mostPerCall.get(candidate) ?? candidate.perCall
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

/** R2 takes no picture, so none is bought. Calls in progress go on. */
class StorageDown extends GatewayError {}

const NOT_BOUGHT: Failure = {
  code: 'unavailable',
  message: 'The gateway cannot store images now, so it asks no upstream. Try again in a moment.',
  retryAfterMs: 5000,
}

function unlessStorageDown(error: unknown): { is: 'failed'; failure: Failure } {
  if (error instanceof StorageDown) return { is: 'failed', failure: error.failure }
  throw error
}

/** Notes the ids that an upstream reported with its failure. */
function noteIds(call: Call, { facts: { requestId, organization } }: ProviderError): void {
  if (requestId) call.upstream = { ...call.upstream, requestId, organization }
}
