import type { Candidate } from './candidates'

/** Thrown into a wait that is of no use any more. */
export const OF_NO_USE = new Error('the seat is of no use any more')

/** A wait for a seat, at one account or between two looks at all of them. */
export class Wait<Served extends Candidate> {
  readonly #isWanted: () => boolean
  readonly #left: () => readonly Served[]
  readonly #stop = new AbortController()
  /** Aborted with `OF_NO_USE`, or with the request. */
  readonly signal: AbortSignal
  /** Whose seat it is for; undefined while it is for anybody's. */
  candidate: Served | undefined

  constructor(isWanted: () => boolean, left: () => readonly Served[], cancel: AbortSignal) {
    this.#isWanted = isWanted
    this.#left = left
    this.signal = AbortSignal.any([cancel, this.#stop.signal])
  }

  /** Ends it where nobody wants a seat any more, or there is nobody to have it from. */
  lookAgain(): void {
    const left = this.#left()
    const canBeHad = this.candidate ? left.includes(this.candidate) : left.length > 0
    if (!canBeHad || !this.#isWanted()) this.#stop.abort(OF_NO_USE)
  }
}
