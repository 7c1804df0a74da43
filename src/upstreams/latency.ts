const PREFIX = 'took:'
/** As many of the last requests for each model are looked at. */
const MOST = 100
/** As many models are told of: it is clients who name them where a pattern stands for them. */
const MAX_MODELS = 100

/** How long requests for a model took that were served, in ms. */
export interface Latency {
  model: string
  /** Of how many this is told. */
  count: number
  p50Ms: number
  p95Ms: number
}

/** How long an account took for each model. */
export class Latencies {
  readonly #storage: DurableObjectStorage

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  note(model: string, tookMs: number): void {
    const before = this.#storage.kv.get<number[]>(PREFIX + model)
    if (!before) this.#makeRoom()
    this.#storage.kv.put(PREFIX + model, [...(before ?? []), tookMs].slice(-MOST))
  }

  list(): Latency[] {
    return [...this.#storage.kv.list<number[]>({ prefix: PREFIX })].map(([key, took]) => ({
      model: key.slice(PREFIX.length),
      count: took.length,
      p50Ms: percentile(took, 0.5),
      p95Ms: percentile(took, 0.95),
    }))
  }

  /** Forgets the model that was asked for least, where there are as many as are told of. */
  #makeRoom(): void {
    const known = [...this.#storage.kv.list<number[]>({ prefix: PREFIX })]
    const [least] = known.toSorted(([, a], [, b]) => a.length - b.length)
    if (least && known.length >= MAX_MODELS) this.#storage.kv.delete(least[0])
  }
}

/**
 * The smallest value with at least `share` (0 to 1) of all values at or below it; 0 for no values.
 * @internal Exported for its tests.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}
