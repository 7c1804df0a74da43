import * as z from 'zod'

const PREFIX = 'took:'
/** The number of samples for each model. */
const MOST = 100
/** The number of models: clients choose the names where a pattern covers them. */
const MAX_MODELS = 100

/** The samples of a model, in ms. A row of another shape is none. */
const samplesRow = z.array(z.number()).catch([])

/** The latencies of served requests for a model, in ms. */
export interface Latency {
  model: string
  /** The number of samples. */
  count: number
  p50Ms: number
  p95Ms: number
}

/** The number of samples of a model that are written together. A process that ends loses fewer. */
const WRITTEN_AT_ONCE = 10

/** The latencies of an account by model. */
export class Latencies {
  readonly #storage: DurableObjectStorage
  /** The samples with those that are not written, and the number of those, by model. */
  readonly #newest = new Map<string, { samples: number[]; unwritten: number }>()

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage
  }

  note(model: string, tookMs: number): void {
    const { samples: before, unwritten } = this.#newest.get(model) ?? this.#read(model)
    if (before.length === 0) this.#makeRoom()
    const samples = [...before, tookMs].slice(-MOST)
    const isDue = before.length === 0 || unwritten + 1 >= WRITTEN_AT_ONCE
    this.#newest.set(model, { samples, unwritten: isDue ? 0 : unwritten + 1 })
    if (isDue) this.#storage.kv.put(PREFIX + model, samples)
  }

  #read(model: string): { samples: number[]; unwritten: number } {
    return { samples: samplesRow.parse(this.#storage.kv.get(PREFIX + model)), unwritten: 0 }
  }

  list(): Latency[] {
    return this.#rows.map(([key, took]) => ({
      model: key.slice(PREFIX.length),
      count: took.length,
      p50Ms: percentile(took, 0.5),
      p95Ms: percentile(took, 0.95),
    }))
  }

  get #rows(): [string, number[]][] {
    return [...this.#storage.kv.list({ prefix: PREFIX })].map(([key, row]) => {
      const newest = this.#newest.get(key.slice(PREFIX.length))
      return [key, newest?.samples ?? samplesRow.parse(row)]
    })
  }

  /** Forgets the model with the fewest samples when there is no room for another. */
  #makeRoom(): void {
    const known = this.#rows
    const [least] = known.toSorted(([, a], [, b]) => a.length - b.length)
    if (!least || known.length < MAX_MODELS) return
    this.#storage.kv.delete(least[0])
    this.#newest.delete(least[0].slice(PREFIX.length))
  }
}

/**
 * The smallest value with at least `share` (0 to 1) of the values up to it; 0 for no values. @internal Exported for its
 * tests.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}
