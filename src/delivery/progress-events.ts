import type { ProgressEvent } from '../generation/clients'
import type { PartialImage } from '../image/record'

/** Progress events for one client: as many previews of each image as it wants, and the progress in percent. */
export class ProgressEvents {
  readonly #maxPreviews: number
  readonly #wantsProgress: boolean
  readonly #previewsOf = new Map<number, number>()
  readonly #previews: PartialImage[] = []
  /** The newest percentage that is not yet sent. */
  #percent: number | undefined
  #sentPercent = -1
  #arrived = Promise.withResolvers<void>()

  constructor(maxPreviews: number, wantsProgress: boolean) {
    this.#maxPreviews = maxPreviews
    this.#wantsProgress = wantsProgress
  }

  get areWanted(): boolean {
    return this.#maxPreviews > 0 || this.#wantsProgress
  }

  add(event: ProgressEvent): void {
    if ('percent' in event) this.#addProgress(event.percent)
    else this.#addPreview(event)
  }

  #addProgress(percent: number): void {
    if (!this.#wantsProgress || percent <= this.#sentPercent) return
    this.#sentPercent = this.#percent = percent
    this.#arrived.resolve()
  }

  #addPreview(partial: PartialImage): void {
    const shown = this.#previewsOf.get(partial.index) ?? 0
    if (shown >= this.#maxPreviews) return
    this.#previewsOf.set(partial.index, shown + 1)
    this.#previews.push(partial)
    this.#arrived.resolve()
  }

  /** Resolves when an event is ready; never without one. */
  get arrival(): Promise<void> {
    return this.#arrived.promise
  }

  take(): ProgressEvent | undefined {
    const percent = this.#percent
    this.#percent = undefined
    const event = percent === undefined ? this.#previews.shift() : { percent }
    if (this.#previews.length === 0) this.#arrived = Promise.withResolvers()
    return event
  }
}
