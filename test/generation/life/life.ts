import { CANCELLED } from '../../../src/generation/failures'
import { StateRows } from '../../../src/generation/rows/state-rows'
import { holds, type State, type Subscriber } from '../../../src/generation/state'
import { TaskRows } from '../../../src/generation/rows/task-rows'
import { transition } from '../../../src/generation/transition'

/** The rules of a generation's life: those of the product, or a mutant of them. */
export interface Rules {
  transition: typeof transition
  holds: typeof holds
  StateRows: typeof StateRows
  TaskRows: typeof TaskRows
}

export const RULES: Rules = { transition, holds, StateRows, TaskRows }

export { CANCELLED }

/** Rows in memory; values are cloned, as storage does. */
export class MemoryRows {
  readonly rows = new Map<string, unknown>()

  get(key: string): unknown {
    return structuredClone(this.rows.get(key))
  }

  put(key: string, value: unknown): void {
    this.rows.set(key, structuredClone(value))
  }

  delete(key: string): boolean {
    return this.rows.delete(key)
  }

  list({ prefix }: { prefix: string }): [string, unknown][] {
    return [...this.rows].filter(([key]) => key.startsWith(prefix)).map(([key, row]) => [key, structuredClone(row)])
  }
}

/** The storage of a generation, through the product's own rows. */
export class LifeStorage {
  readonly #rules: Rules
  readonly #kv = new MemoryRows()
  #rows: StateRows

  constructor(rules: Rules) {
    this.#rules = rules
    this.#rows = this.#open()
  }

  save(before: State, after: State): void {
    this.#rows.save(before, after)
  }

  /** The state with which the next process begins. */
  load(subscribers: readonly Subscriber[], nowMs: number): State {
    this.#rows = this.#open()
    return this.#rows.load(subscribers, nowMs)
  }

  #open(): StateRows {
    const storage = { kv: this.#kv }
    return new this.#rules.StateRows(storage, new this.#rules.TaskRows(storage))
  }
}
