import type { ProgressEvent } from '../generation/subscribers'
import type { PartialImage } from '../image/record'

/** What is shown to a client while it waits: previews, of each picture at most as many as it wants, and how far it is. */
export class ProgressEvents {
  readonly #most: number
  readonly #wantsProgress: boolean
  readonly #shown = new Map<number, number>()
  readonly #previews: PartialImage[] = []
  /** Only the newest is worth telling. */
  #percent: number | undefined
  #told = -1
  #arrived = Promise.withResolvers<void>()

  constructor(most: number, wantsProgress: boolean) {
    this.#most = most
    this.#wantsProgress = wantsProgress
  }

  get areWanted(): boolean {
    return this.#most > 0 || this.#wantsProgress
  }

  add(glimpse: ProgressEvent): void {
    if ('percent' in glimpse) this.#addProgress(glimpse.percent)
    else this.#addPreview(glimpse)
  }

  #addProgress(percent: number): void {
    if (!this.#wantsProgress || percent <= this.#told) return
    this.#told = this.#percent = percent
    this.#arrived.resolve()
  }

  #addPreview(partial: PartialImage): void {
    const shown = this.#shown.get(partial.index) ?? 0
    if (shown >= this.#most) return
    this.#shown.set(partial.index, shown + 1)
    this.#previews.push(partial)
    this.#arrived.resolve()
  }

  /** Resolves when there is one to be taken; perhaps never. */
  get arrival(): Promise<void> {
    return this.#arrived.promise
  }

  take(): ProgressEvent | undefined {
    const percent = this.#percent
    this.#percent = undefined
    const glimpse = percent === undefined ? this.#previews.shift() : { percent }
    if (this.#previews.length === 0) this.#arrived = Promise.withResolvers()
    return glimpse
  }
}
