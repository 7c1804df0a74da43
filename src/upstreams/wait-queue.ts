/** Those who wait for something, first come, first served; it is forgotten when its process dies. */
export class WaitQueue {
  readonly #turns: Turn[] = []

  get length(): number {
    return this.#turns.length
  }

  /** Lets somebody in at the end, by the name under which it can be dismissed. */
  join(id: string): Turn {
    const turn = new Turn(this.#turns, id)
    this.#turns.push(turn)
    return turn
  }

  /** Has the first look again whether its turn has come. */
  call(): void {
    this.#turns[0]?.call()
  }

  /** Has all who are there under a name leave: whoever heard no reply may have come twice. */
  dismiss(id: string): void {
    for (const turn of this.#turns.filter((each) => each.id === id)) {
      turn.leave()
      turn.call()
    }
  }
}

/** A place in a line. */
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

  /** Whether it is in the line no more. */
  get hasLeft(): boolean {
    return !this.#turns.includes(this)
  }

  call(): void {
    this.#wake()
  }

  /** Resolves when it is called, at `untilMs` (ms since 1970) at the latest. */
  async called(untilMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = setTimeout(resolve, untilMs - Date.now())
    await promise
    clearTimeout(timer)
  }

  /** Leaves the line; if it was first, wakes the next. */
  leave(): void {
    if (this.hasLeft) return
    const { isFirst } = this
    this.#turns.splice(this.#turns.indexOf(this), 1)
    if (isFirst) this.#turns[0]?.call()
  }
}
