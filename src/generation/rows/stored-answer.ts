import * as z from 'zod'
import { type Failure, failed, failureSchema, isOfCaller, ok, type Result } from '../../failures/errors'
import { type ImageRecord, imageRecord } from '../../image/record'
import type { Payer } from '../../ledger/entry'
import { entryOrNone } from '../../runtime/stored'
import { concerns, type OutcomeScope, outcomeScope } from '../outcome'
import type { GenerateOptions } from '../task'

/** The finished answer, its first request, and the end of its life in ms since 1970. */
const keptRow = z.object({ record: imageRecord, requestId: z.string().optional(), untilMs: z.number() })
type KeptRow = z.infer<typeof keptRow>

/** A stored failure and its team or key; it lasts until `untilMs`, in ms since 1970. */
const refusedRow = z.object({
  failure: failureSchema,
  only: outcomeScope.optional(),
  atMs: z.number(),
  untilMs: z.number(),
})
type RefusedRow = z.infer<typeof refusedRow>

/** The life of a stored failure, in ms. */
export const REFUSAL_MS = 60_000

/** The answer of a generation, and its stored failure. A row of another shape is none. */
export class StoredAnswer {
  readonly #storage: DurableObjectStorage
  #kept: KeptRow | undefined
  #refused: RefusedRow | undefined
  /** The time until which the answer stays for retries, in ms since 1970. */
  #heldMs: number

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
    this.#kept = entryOrNone(storage.kv, 'kept', keptRow)
    this.#refused = entryOrNone(storage.kv, 'refused', refusedRow)
    this.#heldMs = entryOrNone(storage.kv, 'held', z.number()) ?? 0
  }

  /** The stored answer, current or expired. */
  get record(): ImageRecord | undefined {
    return this.#kept?.record
  }

  /** The id of the HTTP request that started the answer. */
  get madeFor(): string | undefined {
    return this.#kept?.requestId
  }

  /** The moment of the stored failure, in ms since 1970. */
  get failedMs(): number | undefined {
    return this.#refused?.atMs
  }

  /** The answer or failure that needs no run; undefined for none. */
  known({ task, madeSinceMs, isReplay }: GenerateOptions, nowMs: number): Result<ImageRecord> | undefined {
    const kept = this.#kept
    const untilMs = Math.max(kept?.untilMs ?? 0, isReplay ? this.#heldMs : 0)
    if (kept && untilMs > nowMs && kept.record.createdMs >= madeSinceMs) return ok(kept.record)
    const refused = this.#refused
    if (!refused || refused.untilMs <= nowMs || refused.atMs < madeSinceMs) return undefined
    return concerns(refused.only, task.payer) ? failed(refused.failure) : undefined
  }

  keep(record: ImageRecord, requestId: string, untilMs: number): void {
    this.#kept = { record, requestId, untilMs }
    this.#storage.kv.put<KeptRow>('kept', this.#kept)
    if (!this.#refused) return
    this.#refused = undefined
    this.#storage.kv.delete('refused')
  }

  /** Extends the life of the answer, finished or not, by so many ms for retries. */
  hold(keepMs: number, nowMs: number): void {
    if (nowMs + keepMs <= this.#heldMs || keepMs <= 0) return
    this.#heldMs = nowMs + keepMs
    this.#storage.kv.put<number>('held', this.#heldMs)
  }

  refuse(failure: Failure, atMs: number, untilMs: number, only?: OutcomeScope): void {
    this.#refused = { failure, only, atMs, untilMs }
    this.#storage.kv.put<RefusedRow>('refused', this.#refused)
  }

  /** Stores a failure for the retry, since the clients of the run could not receive it. */
  remember(failure: Failure, payer: Payer, nowMs: number): void {
    const retryAfterMs = Math.max(REFUSAL_MS, failure.retryAfterMs ?? 0)
    const stored = { ...failure, retryAfterMs, retry: false } as const
    const isOfOne = isOfCaller(failure.code) || failure.code === 'cancelled'
    this.refuse(stored, nowMs, nowMs + REFUSAL_MS, isOfOne ? payer : undefined)
  }

  /** Removes the answer. */
  forget(): void {
    this.#kept = undefined
    this.#storage.kv.delete('kept')
  }

  /** The ends of all rows, in ms since 1970. */
  dues(nowMs: number): number[] {
    const ends = [this.#kept?.untilMs, this.#kept && this.#heldMs, this.#refused?.untilMs]
    return ends.flatMap((end) => (end !== undefined && end > nowMs ? [end] : []))
  }
}
