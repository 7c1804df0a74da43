import type { PartialImage } from '../image/record'
import type { Ended } from './outcome'

/** A visible event of a run: a preview, or the progress in whole percent. */
export type ProgressEvent = PartialImage | { percent: number }

/** Receives progress events across RPC, so a call can fail. */
export type OnProgress = (event: ProgressEvent) => unknown

interface Reader {
  end: (ended: Ended) => void
  show: (event: ProgressEvent) => void
}

/** The connections to the waiting clients of this process, and to watchers. No run waits for a watcher. */
export class Clients {
  readonly #clients = new Map<string, Reader>()
  readonly #watchers = new Set<Reader>()
  /** The newest preview of each image, and the progress, for late clients. */
  readonly #newest = new Map<number, PartialImage>()
  #percent = -1
  #joined = 0

  /** The progress of the run in whole percent; undefined before an upstream reports one. */
  get percent(): number | undefined {
    return this.#percent < 0 ? undefined : this.#percent
  }

  /** Adds a client; `ended` resolves with the end for its id. */
  join(onProgress?: OnProgress): { id: string; ended: Promise<Ended> } {
    const { promise, resolve } = Promise.withResolvers<Ended>()
    const id = `client:${++this.#joined}`
    this.#clients.set(id, { end: resolve, show: this.#shownBy(onProgress) })
    return { id, ended: promise }
  }

  /** Resolves with the end of the run, and reports progress. */
  watch(onProgress?: OnProgress): Promise<Ended> {
    const { promise, resolve } = Promise.withResolvers<Ended>()
    this.#watchers.add({ end: resolve, show: this.#shownBy(onProgress) })
    return promise
  }

  /** Shows events to a client, beginning with the newest ones. */
  #shownBy(onProgress: OnProgress = () => {}): Reader['show'] {
    // The client may have gone.
    const show = (event: ProgressEvent): void => void Promise.try(() => onProgress(event)).catch(() => {})
    for (const event of this.#newest.values()) show(event)
    if (this.#percent >= 0) show({ percent: this.#percent })
    return show
  }

  /** Sends an event to every reader. A percentage that is not above the last is dropped. */
  show(event: ProgressEvent): void {
    if (!('percent' in event)) this.#newest.set(event.index, event)
    else if (event.percent > this.#percent) this.#percent = event.percent
    else return
    for (const reader of [...this.#clients.values(), ...this.#watchers]) reader.show(event)
  }

  /** Tells clients their end. */
  tell(ids: readonly string[], ended: Ended): void {
    for (const id of ids) this.#clients.get(id)?.end(ended)
    for (const id of ids) this.#clients.delete(id)
  }

  /** Tells watchers the end of a run, and forgets its previews. */
  close(ended: Ended): void {
    this.#newest.clear()
    this.#percent = -1
    for (const watcher of this.#watchers) watcher.end(ended)
    this.#watchers.clear()
  }
}
