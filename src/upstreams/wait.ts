import type { Candidate } from './candidates'

/** Ends a wait for a slot that is no longer wanted. */
export const NOT_NEEDED = new Error('the slot is no longer wanted')

/** A wait for a slot, at one account or between two looks at all candidates. */
export class Wait<Served extends Candidate> {
  readonly #isWanted: () => boolean
  readonly #left: () => readonly Served[]
  readonly #stop = new AbortController()
  /** Aborted with `NOT_NEEDED`, or with the request. */
  readonly signal: AbortSignal
  /** The candidate of the slot; undefined for a wait for any candidate. */
  candidate: Served | undefined

  constructor(isWanted: () => boolean, left: () => readonly Served[], cancel: AbortSignal) {
    this.#isWanted = isWanted
    this.#left = left
    this.signal = AbortSignal.any([cancel, this.#stop.signal])
  }

  /** Ends the wait if the slot is no longer wanted or no candidate is left. */
  lookAgain(): void {
    const left = this.#left()
    const canBeHad = this.candidate ? left.includes(this.candidate) : left.length > 0
    if (!canBeHad || !this.#isWanted()) this.#stop.abort(NOT_NEEDED)
  }
}
