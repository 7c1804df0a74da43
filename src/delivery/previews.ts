import type { PartialImage } from '../image/record'

/** Previews on their way to a client, of each picture at most as many as it wants. */
export class Previews {
  readonly #most: number
  readonly #shown = new Map<number, number>()
  readonly #queue: PartialImage[] = []
  #arrived = Promise.withResolvers<void>()

  constructor(most: number) {
    this.#most = most
  }

  get isWanted(): boolean {
    return this.#most > 0
  }

  add(partial: PartialImage): void {
    const shown = this.#shown.get(partial.index) ?? 0
    if (shown === this.#most) return
    this.#shown.set(partial.index, shown + 1)
    this.#queue.push(partial)
    this.#arrived.resolve()
  }

  /** Resolves when there is one to be taken; perhaps never. */
  get arrival(): Promise<void> {
    return this.#arrived.promise
  }

  take(): PartialImage | undefined {
    const partial = this.#queue.shift()
    if (this.#queue.length === 0) this.#arrived = Promise.withResolvers()
    return partial
  }
}
