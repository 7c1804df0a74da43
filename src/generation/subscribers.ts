import type { Result } from '../runtime/errors'
import type { ImageRecord, PartialImage } from '../image/record'
import type { Payer } from '../ledger/entry'
import type { Snapshot } from '../ledger/snapshot'

/** Whom alone an end concerns: a key that may not have the images, or a team that no longer wants them. */
export interface Concerned {
  team: string
  key?: string
}

/** How a run ended; whoever asked for it and is not concerned starts it anew. */
export interface Ended {
  made: Result<ImageRecord>
  only?: Concerned | undefined
  /** How it stands then to whoever paid for it. */
  snapshot?: Snapshot
}

export const concerns = (only: Concerned | undefined, { team, key }: Payer): boolean =>
  !only || (only.team === team && (only.key === undefined || only.key === key))

/** What can be shown of images that are being made: a preview, or how far they are, in whole percent. */
export type ProgressEvent = PartialImage | { percent: number }

/** Is handed what can be shown of a run; across RPC, so that it may fail. */
export type OnProgress = (glimpse: ProgressEvent) => unknown

/** Somebody who waits for a run. */
export interface Subscriber {
  ended: Promise<Ended>
  /** For how long it waits for its turn, in ms. */
  patienceMs: number
  end: (ended: Ended) => void
  show: (glimpse: ProgressEvent) => void
}

/** Those who wait for a run in this process. */
export class Subscribers {
  readonly #waiters = new Set<Subscriber>()
  /** The newest preview of each picture, and how far they are, for whoever comes late. */
  readonly #newest = new Map<number, PartialImage>()
  #percent = -1

  get isEmpty(): boolean {
    return this.#waiters.size === 0
  }

  get isPatient(): boolean {
    return [...this.#waiters].some(({ patienceMs }) => patienceMs > 0)
  }

  join(patienceMs: number, onGlimpse: OnProgress = () => {}): Subscriber {
    const { promise, resolve } = Promise.withResolvers<Ended>()
    // Whoever has gone cannot be shown anything.
    const show = (glimpse: ProgressEvent): void => void Promise.try(() => onGlimpse(glimpse)).catch(() => {})
    const waiter = { ended: promise, patienceMs, end: resolve, show }
    this.#waiters.add(waiter)
    for (const glimpse of this.#newest.values()) show(glimpse)
    if (this.#percent >= 0) show({ percent: this.#percent })
    return waiter
  }

  has(waiter: Subscriber): boolean {
    return this.#waiters.has(waiter)
  }

  leave(waiter: Subscriber): void {
    this.#waiters.delete(waiter)
  }

  /** Sends a glimpse to every waiter; a percentage no higher than the last is dropped. */
  show(glimpse: ProgressEvent): void {
    if (!('percent' in glimpse)) this.#newest.set(glimpse.index, glimpse)
    else if (glimpse.percent > this.#percent) this.#percent = glimpse.percent
    else return
    for (const waiter of this.#waiters) waiter.show(glimpse)
  }

  end(ended: Ended): void {
    this.#newest.clear()
    this.#percent = -1
    for (const waiter of this.#waiters) waiter.end(ended)
    this.#waiters.clear()
  }
}
