import type { Result } from '../errors'
import type { ImageRecord, PartialImage } from '../image/record'
import type { Payer } from '../team/entry'
import type { Snapshot } from '../team/snapshot'

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

/** Is handed the previews of a run; across RPC, so that it may fail. */
export type OnPartial = (partial: PartialImage) => unknown

/** Somebody who waits for a run. */
export interface Seat {
  ended: Promise<Ended>
  /** For how long it waits for its turn, in ms. */
  patienceMs: number
  end: (ended: Ended) => void
  show: (partial: PartialImage) => void
}

/** Those who wait for a run in this process. */
export class Audience {
  readonly #seats = new Set<Seat>()
  /** The newest preview of each picture, for whoever comes late. */
  readonly #newest = new Map<number, PartialImage>()

  get isEmpty(): boolean {
    return this.#seats.size === 0
  }

  get isPatient(): boolean {
    return [...this.#seats].some(({ patienceMs }) => patienceMs > 0)
  }

  join(patienceMs: number, onPartial: OnPartial = () => {}): Seat {
    const { promise, resolve } = Promise.withResolvers<Ended>()
    // Whoever has gone cannot be shown anything.
    const show = (partial: PartialImage): void => void Promise.try(() => onPartial(partial)).catch(() => {})
    const seat = { ended: promise, patienceMs, end: resolve, show }
    this.#seats.add(seat)
    for (const partial of this.#newest.values()) show(partial)
    return seat
  }

  has(seat: Seat): boolean {
    return this.#seats.has(seat)
  }

  leave(seat: Seat): void {
    this.#seats.delete(seat)
  }

  show(partial: PartialImage): void {
    this.#newest.set(partial.index, partial)
    for (const seat of this.#seats) seat.show(partial)
  }

  end(ended: Ended): void {
    this.#newest.clear()
    for (const seat of this.#seats) seat.end(ended)
    this.#seats.clear()
  }
}
