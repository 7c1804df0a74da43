import { type Failure, failed, type Result } from '../failures/errors'
import type { ImageRecord, PartialImage } from '../image/record'
import type { Payer } from '../ledger/entry'
import type { Snapshot } from '../ledger/snapshot'
import type { GenerateOptions } from './task'

/** Limits an outcome to one team or one of its keys. */
export interface OutcomeScope {
  team: string
  key?: string
}

/** The end of a run; a client that it does not concern starts a new run. */
export interface Ended {
  made: Result<ImageRecord>
  /** The id of the HTTP request that paid. */
  paidBy?: string
  only?: OutcomeScope | undefined
  /** The status for the payer. */
  snapshot?: Snapshot
}

export const concerns = (only: OutcomeScope | undefined, { team, key }: Payer): boolean =>
  !only || (only.team === team && (only.key === undefined || only.key === key))

export const isSamePayer = (one: Payer, other: Payer): boolean => one.team === other.team && one.key === other.key

/** A visible event of a run: a preview, or the progress in whole percent. */
export type ProgressEvent = PartialImage | { percent: number }

/** Receives progress events across RPC, so a call can fail. */
export type OnProgress = (event: ProgressEvent) => unknown

/** A client that waits for a run. */
export interface Subscriber {
  requestId: string
  payer: Payer
  ended: Promise<Ended>
  /** The longest wait for the run's turn, in ms. */
  patienceMs: number
  end: (ended: Ended) => void
  show: (event: ProgressEvent) => void
}

/** The clients that wait for a run in this process. */
export class Subscribers {
  readonly #subscribers = new Set<Subscriber>()
  readonly #watchers = new Set<Pick<Subscriber, 'end' | 'show'>>()
  /** The newest preview of each image, and the progress, for late clients. */
  readonly #newest = new Map<number, PartialImage>()
  #percent = -1

  get isEmpty(): boolean {
    return this.#subscribers.size === 0
  }

  /** Whether a client of a payer waits. */
  isOf(payer: Payer): boolean {
    return this.#of(payer).length > 0
  }

  /** Whether a client of a payer waits for the turn of the run. */
  isPatient(payer: Payer): boolean {
    return this.#of(payer).some(({ patienceMs }) => patienceMs > 0)
  }

  #of(payer: Payer): Subscriber[] {
    return [...this.#subscribers].filter((each) => isSamePayer(each.payer, payer))
  }

  /** Resolves with the next end of a run, and reports progress. The run does not wait for a watcher. */
  watch(onProgress?: OnProgress): Promise<Ended> {
    const { promise, resolve } = Promise.withResolvers<Ended>()
    this.#watchers.add({ end: resolve, show: this.#shownBy(onProgress) })
    return promise
  }

  join({ task, patienceMs }: GenerateOptions, onProgress?: OnProgress): Subscriber {
    const { requestId, payer } = task
    const { promise, resolve } = Promise.withResolvers<Ended>()
    const show = this.#shownBy(onProgress)
    const subscriber = { requestId, payer, ended: promise, patienceMs, end: resolve, show }
    this.#subscribers.add(subscriber)
    return subscriber
  }

  /** Shows events to a client, beginning with the newest ones. */
  #shownBy(onProgress: OnProgress = () => {}): Subscriber['show'] {
    // The client may have gone.
    const show = (event: ProgressEvent): void => void Promise.try(() => onProgress(event)).catch(() => {})
    for (const event of this.#newest.values()) show(event)
    if (this.#percent >= 0) show({ percent: this.#percent })
    return show
  }

  has(subscriber: Subscriber): boolean {
    return this.#subscribers.has(subscriber)
  }

  leave(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber)
  }

  /** Ends the wait of a request with a failure. */
  leaveRequest(request: string, failure: Failure): void {
    for (const subscriber of this.#subscribers) {
      if (subscriber.requestId !== request) continue
      this.#subscribers.delete(subscriber)
      subscriber.end({ made: failed(failure) })
    }
  }

  /** Sends an event to every subscriber. A percentage that is not above the last is dropped. */
  show(event: ProgressEvent): void {
    if (!('percent' in event)) this.#newest.set(event.index, event)
    else if (event.percent > this.#percent) this.#percent = event.percent
    else return
    for (const reader of [...this.#subscribers, ...this.#watchers]) reader.show(event)
  }

  end(ended: Ended): void {
    this.#newest.clear()
    this.#percent = -1
    for (const reader of [...this.#subscribers, ...this.#watchers]) reader.end(ended)
    this.#subscribers.clear()
    this.#watchers.clear()
  }
}
