/** What its operator allows an account. */
export interface Allowance {
  /** How many requests it is sent at once; undefined: as many as come. */
  maxConcurrency: number | undefined
  /** How many in any minute; undefined: as many as come. */
  requestsPerMinute: number | undefined
}

const PREFIX = 'seat:'
/** Requests are counted per whole second: 61 s covers every span of 60 s. */
const WINDOW_SECONDS = 61

/**
 * The requests that an account has in hand, each with a seat of its own, and how many it was sent within a minute. Where
 * that is limited it outlives the process; a seat that nobody gives back is free at its end.
 */
export class Slots {
  readonly #storage: DurableObjectStorage
  readonly #taken: Map<string, number>
  readonly #sent: Map<number, number>

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.#taken = new Map(
      [...storage.kv.list<number>({ prefix: PREFIX })].map(([key, untilMs]) => [key.slice(PREFIX.length), untilMs]),
    )
    this.#sent = storage.kv.get<Map<number, number>>('sent') ?? new Map()
  }

  /** How many are taken. */
  count(nowMs: number): number {
    for (const [id, untilMs] of this.#taken) if (untilMs <= nowMs) this.free(id)
    return this.#taken.size
  }

  /** How many requests were sent within the last minute. */
  sentWithinMinute(nowMs: number): number {
    this.#forgetOld(nowMs)
    return [...this.#sent.values()].reduce((sum, each) => sum + each, 0)
  }

  /** Until when one more would be too many, in ms since 1970; undefined where it would not. */
  heldUp({ maxConcurrency, requestsPerMinute }: Allowance, nowMs: number): number | undefined {
    if (maxConcurrency !== undefined && this.count(nowMs) >= maxConcurrency) return Math.min(...this.#taken.values())
    if (requestsPerMinute === undefined || this.sentWithinMinute(nowMs) < requestsPerMinute) return undefined
    return (Math.min(...this.#sent.keys()) + WINDOW_SECONDS) * 1000
  }

  /** Takes a seat until then at most, in ms since 1970; whoever has it already keeps it for longer. */
  take(id: string, untilMs: number, { maxConcurrency, requestsPerMinute }: Allowance, nowMs: number): void {
    const isNew = !this.#taken.has(id)
    this.#taken.set(id, untilMs)
    if (maxConcurrency !== undefined) this.#storage.kv.put(PREFIX + id, untilMs)
    if (!isNew) return
    this.#forgetOld(nowMs)
    const second = Math.floor(nowMs / 1000)
    this.#sent.set(second, (this.#sent.get(second) ?? 0) + 1)
    if (requestsPerMinute !== undefined) this.#storage.kv.put('sent', this.#sent)
  }

  has(id: string): boolean {
    return this.#taken.has(id)
  }

  /** Gives a seat back; false where there is none. */
  free(id: string): boolean {
    const isTaken = this.#taken.delete(id)
    if (isTaken) this.#storage.kv.delete(PREFIX + id)
    return isTaken
  }

  #forgetOld(nowMs: number): void {
    const oldest = Math.floor(nowMs / 1000) - WINDOW_SECONDS
    for (const second of this.#sent.keys()) if (second <= oldest) this.#sent.delete(second)
  }
}
