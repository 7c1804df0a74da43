/** A queue in memory, first come, first served; it ends with its process. */
export class WaitQueue {
  readonly #turns: Turn[] = []

  get length(): number {
    return this.#turns.length
  }

  /** Adds a turn at the end; the id can dismiss it. */
  join(id: string): Turn {
    const turn = new Turn(this.#turns, id)
    this.#turns.push(turn)
    return turn
  }

  /** Wakes the first turn, so that it looks again. */
  call(): void {
    this.#turns[0]?.call()
  }

  /** Removes all turns of an id: a request that missed a reply may have joined twice. */
  dismiss(id: string): void {
    for (const turn of this.#turns.filter((each) => each.id === id)) {
      turn.leave()
      turn.call()
    }
  }
}

/** A place in the queue. */
export class Turn {
  readonly id: string
  readonly #turns: Turn[]
  #wake: () => void = () => {}

  constructor(turns: Turn[], id: string) {
    this.#turns = turns
    this.id = id
  }

  get isFirst(): boolean {
    return this.#turns[0] === this
  }

  /** Whether the turn has left the queue. */
  get hasLeft(): boolean {
    return !this.#turns.includes(this)
  }

  call(): void {
    this.#wake()
  }

  /** Resolves when the turn is woken, at `untilMs` (ms since 1970) at the latest. */
  async called(untilMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = setTimeout(resolve, untilMs - Date.now())
    await promise
    clearTimeout(timer)
  }

  /** Leaves the queue; the next turn wakes if this was the first. */
  leave(): void {
    if (this.hasLeft) return
    const { isFirst } = this
    this.#turns.splice(this.#turns.indexOf(this), 1)
    if (isFirst) this.#turns[0]?.call()
  }
}
