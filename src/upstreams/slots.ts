import * as z from 'zod'
import { heldUntilMs, type SentBySecond, sentWithinMinute, withSent } from './pace'

/** The limits of an account. */
export interface Allowance {
  /** Concurrent requests; undefined without a limit. */
  maxConcurrency: number | undefined
  /** Requests in any minute; undefined without a limit. */
  requestsPerMinute: number | undefined
}

/** The moment of taking a slot, in ms since 1970, and whether its request is sent now. */
interface TakingSlot {
  nowMs: number
  isAboutToSend: boolean
}

const PREFIX = 'seat:'
const storedEnd = z.number()
const storedSent = z.map(z.number(), z.number()).catch(new Map())

/**
 * The slots in use of an account, and its requests of the last minute. Under a limit they outlive the process. A slot
 * that is never freed expires.
 */
export class Slots {
  readonly #storage: DurableObjectStorage
  readonly #taken: Map<string, number>
  #sent: SentBySecond
  /** The second in which each slot was counted as sent. */
  readonly #counted = new Map<string, number>()

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.#taken = new Map(
      [...storage.kv.list({ prefix: PREFIX })].map(([key, row]) => [key.slice(PREFIX.length), storedEnd.parse(row)]),
    )
    this.#sent = storedSent.parse(storage.kv.get('sent'))
  }

  /** The number of slots in use. */
  count(nowMs: number): number {
    for (const [id, untilMs] of this.#taken) if (untilMs <= nowMs) this.free(id)
    return this.#taken.size
  }

  /** The number of requests sent within the last minute. */
  sentWithinMinute(nowMs: number): number {
    return sentWithinMinute(this.#sent, nowMs)
  }

  /** The end of a limit that one more request would break, in ms since 1970; undefined without one. */
  heldUp({ maxConcurrency, requestsPerMinute }: Allowance, nowMs: number): number | undefined {
    if (maxConcurrency !== undefined && this.count(nowMs) >= maxConcurrency) return Math.min(...this.#taken.values())
    return requestsPerMinute === undefined ? undefined : heldUntilMs(this.#sent, requestsPerMinute, nowMs)
  }

  /**
   * Takes a slot until a moment in ms since 1970, or extends one. `isAboutToSend`: the request follows now, also if the
   * slot was granted before.
   */
  take(id: string, untilMs: number, { maxConcurrency, requestsPerMinute }: Allowance, at: TakingSlot): void {
    const isNew = !this.#taken.has(id)
    this.#taken.set(id, untilMs)
    if (maxConcurrency !== undefined) this.#storage.kv.put(PREFIX + id, untilMs)
    if (!isNew && !at.isAboutToSend) return
    this.#sent = withSent(withoutOne(this.#sent, this.#counted.get(id)), at.nowMs)
    this.#counted.set(id, Math.floor(at.nowMs / 1000))
    if (requestsPerMinute !== undefined) this.#storage.kv.put('sent', this.#sent)
  }

  has(id: string): boolean {
    return this.#taken.has(id)
  }

  /** Frees a slot; false for a slot that is not taken. */
  free(id: string): boolean {
    const isTaken = this.#taken.delete(id)
    this.#counted.delete(id)
    if (isTaken) this.#storage.kv.delete(PREFIX + id)
    return isTaken
  }
}

/** The requests without one of a second, which was counted too early. */
function withoutOne(sent: SentBySecond, second: number | undefined): SentBySecond {
  const count = second === undefined ? undefined : sent.get(second)
  return second === undefined || count === undefined ? sent : new Map([...sent, [second, count - 1]])
}
