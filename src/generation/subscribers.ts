import type { Result } from '../failures/errors'
import type { ImageRecord, PartialImage } from '../image/record'
import type { Payer } from '../ledger/entry'
import type { Snapshot } from '../ledger/snapshot'

/** Limits an outcome to one team or one of its keys. */
export interface OutcomeScope {
  team: string
  key?: string
}

/** The end of a run; a client that it does not concern starts a new run. */
export interface Ended {
  made: Result<ImageRecord>
  only?: OutcomeScope | undefined
  /** The status for the payer. */
  snapshot?: Snapshot
}

export const concerns = (only: OutcomeScope | undefined, { team, key }: Payer): boolean =>
  !only || (only.team === team && (only.key === undefined || only.key === key))

/** A visible event of a run: a preview, or the progress in whole percent. */
export type ProgressEvent = PartialImage | { percent: number }

/** Receives progress events across RPC, so a call can fail. */
export type OnProgress = (event: ProgressEvent) => unknown

/** A client that waits for a run. */
export interface Subscriber {
  ended: Promise<Ended>
  /** The longest wait for the run's turn, in ms. */
  patienceMs: number
  end: (ended: Ended) => void
  show: (event: ProgressEvent) => void
}

/** The clients that wait for a run in this process. */
export class Subscribers {
  readonly #subscribers = new Set<Subscriber>()
  /** The newest preview of each image, and the progress, for late clients. */
  readonly #newest = new Map<number, PartialImage>()
  #percent = -1

  get isEmpty(): boolean {
    return this.#subscribers.size === 0
  }

  get isPatient(): boolean {
    return [...this.#subscribers].some(({ patienceMs }) => patienceMs > 0)
  }

  join(patienceMs: number, onProgress: OnProgress = () => {}): Subscriber {
    const { promise, resolve } = Promise.withResolvers<Ended>()
    // The client may have gone.
    const show = (event: ProgressEvent): void => void Promise.try(() => onProgress(event)).catch(() => {})
    const subscriber = { ended: promise, patienceMs, end: resolve, show }
    this.#subscribers.add(subscriber)
    for (const event of this.#newest.values()) show(event)
    if (this.#percent >= 0) show({ percent: this.#percent })
    return subscriber
  }

  has(subscriber: Subscriber): boolean {
    return this.#subscribers.has(subscriber)
  }

  leave(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber)
  }

  /** Sends an event to every subscriber. A percentage that is not above the last is dropped. */
  show(event: ProgressEvent): void {
    if (!('percent' in event)) this.#newest.set(event.index, event)
    else if (event.percent > this.#percent) this.#percent = event.percent
    else return
    for (const subscriber of this.#subscribers) subscriber.show(event)
  }

  end(ended: Ended): void {
    this.#newest.clear()
    this.#percent = -1
    for (const subscriber of this.#subscribers) subscriber.end(ended)
    this.#subscribers.clear()
  }
}
