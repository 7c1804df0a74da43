/** The limits of an account. */
export interface Allowance {
  /** Concurrent requests; undefined without a limit. */
  maxConcurrency: number | undefined
  /** Requests in any minute; undefined without a limit. */
  requestsPerMinute: number | undefined
}

const PREFIX = 'seat:'
/** Requests are counted per whole second: 61 s cover every span of 60 s. */
const WINDOW_SECONDS = 61

/**
 * The slots in use of an account, and its requests of the last minute. Under a limit they outlive the process. A slot
 * that is never freed expires.
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

  /** The number of slots in use. */
  count(nowMs: number): number {
    for (const [id, untilMs] of this.#taken) if (untilMs <= nowMs) this.free(id)
    return this.#taken.size
  }

  /** The number of requests sent within the last minute. */
  sentWithinMinute(nowMs: number): number {
    this.#forgetOld(nowMs)
    return [...this.#sent.values()].reduce((sum, each) => sum + each, 0)
  }

  /** The end of a limit that one more request would break, in ms since 1970; undefined without one. */
  heldUp({ maxConcurrency, requestsPerMinute }: Allowance, nowMs: number): number | undefined {
    if (maxConcurrency !== undefined && this.count(nowMs) >= maxConcurrency) return Math.min(...this.#taken.values())
    if (requestsPerMinute === undefined || this.sentWithinMinute(nowMs) < requestsPerMinute) return undefined
    return (Math.min(...this.#sent.keys()) + WINDOW_SECONDS) * 1000
  }

  /** Takes a slot until a moment in ms since 1970, or extends one. */
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

  /** Frees a slot; false for a slot that is not taken. */
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
