import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { EntryStore, ObjectStore, SqlStore } from '../../src/runtime/stored'

/** The process has died within a transaction. */
export class Died extends Error {}

/** The storage of an object, in the memory of Node. */
export class NodeStorage implements ObjectStore {
  readonly #database = new DatabaseSync(':memory:')
  readonly #statements = new Map<string, StatementSync>()
  #entries = new Map<string, unknown>()
  #writesLeft = Infinity
  /** The rows that queries have given. */
  rowsRead = 0

  readonly sql: SqlStore = {
    exec: (query, ...values) => {
      if (values.length === 0 && query.includes(';')) {
        this.#database.exec(query)
        return { toArray: () => [] }
      }
      if (/^\s*(INSERT|UPDATE|DELETE)/.test(query)) this.#countWrite()
      const given = values.map(sqlInput)
      const statement = this.#statementOf(query)
      // Node binds numbered parameters by their names only.
      const numbered = Object.fromEntries(given.map((value, index) => [`?${index + 1}`, value]))
      const rows = query.includes('?1') ? statement.all(numbered) : statement.all(...given)
      this.rowsRead += rows.length
      return { toArray: () => rows.map((row) => ({ ...row })) }
    },
  }

  readonly kv: EntryStore = {
    get: (name) => this.#entries.get(name),
    put: (name, value) => {
      this.#countWrite()
      this.#entries.set(name, structuredClone(value))
    },
    delete: (name) => this.#entries.delete(name),
  }

  transactionSync<Value>(work: () => Value): Value {
    const before = new Map(this.#entries)
    this.#database.exec('SAVEPOINT work')
    try {
      const value = work()
      this.#database.exec('RELEASE work')
      return value
    } catch (error) {
      this.#database.exec('ROLLBACK TO work; RELEASE work')
      this.#entries = before
      throw error
    }
  }

  /** Throws Died at a write from now on, the one after `writes` others. Infinity ends that. */
  dieAfter(writes: number): void {
    this.#writesLeft = writes
  }

  /** All that is stored, as text. */
  get text(): string {
    const tables = ['queue', 'ledger', 'days'].map((name) =>
      this.sql.exec(`SELECT * FROM ${name} ORDER BY 1`).toArray(),
    )
    return JSON.stringify([tables, [...this.#entries].toSorted(([a], [b]) => a.localeCompare(b))])
  }

  #countWrite(): void {
    if (this.#writesLeft-- <= 0) throw new Died()
  }

  #statementOf(query: string): StatementSync {
    const statement = this.#statements.get(query) ?? this.#database.prepare(query)
    this.#statements.set(query, statement)
    return statement
  }
}

function sqlInput(value: SqlStorageValue): SQLInputValue {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : value
}
