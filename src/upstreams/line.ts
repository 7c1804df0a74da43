/** Those who wait for something, first come, first served; it is forgotten when its process dies. */
export class Line {
  readonly #turns: Turn[] = []

  get length(): number {
    return this.#turns.length
  }

  join(): Turn {
    const turn = new Turn(this.#turns)
    this.#turns.push(turn)
    return turn
  }

  /** Has the first look again whether its turn has come. */
  call(): void {
    this.#turns[0]?.call()
  }
}

/** A place in a line. */
export class Turn {
  readonly #turns: Turn[]
  #wake: () => void = () => {}

  constructor(turns: Turn[]) {
    this.#turns = turns
  }

  get isFirst(): boolean {
    return this.#turns[0] === this
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

  /** Leaves the line, also for good reason: whoever comes first then is called. */
  leave(): void {
    const { isFirst } = this
    this.#turns.splice(this.#turns.indexOf(this), 1)
    if (isFirst) this.#turns[0]?.call()
  }
}
