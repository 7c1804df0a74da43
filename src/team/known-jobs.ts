import * as z from 'zod'
import { DAY_MS } from '../runtime/durations'
import { hasRows, type ObjectStore, readEntry, readRow } from '../runtime/stored'

const JOBS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS jobs (generation TEXT PRIMARY KEY, model TEXT NOT NULL, until_ms INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS jobs_until ON jobs (until_ms);
`

/** The life of a row: longer than that of a job after its wait in the queue. */
const KNOWN_MS = 7 * DAY_MS

/** The life of a job that an earlier version accepted, after its end. */
const UNLISTED_MS = DAY_MS

const knownJobRow = z.object({ model: z.string() })

/**
 * The jobs of a team without an entry in the ledger: they wait, were refused, or got another team's answer. An id that
 * neither has belongs to no generation of the team, and asking its object would create it.
 */
export class KnownJobs {
  readonly #storage: ObjectStore

  constructor(storage: ObjectStore) {
    this.#storage = storage
  }

  /** Creates the table. The jobs of an earlier version are not in it, so every id counts as known for their life. */
  createTables(isNewTeam: boolean): void {
    const { sql, kv } = this.#storage
    const hasTable = hasRows(sql, "SELECT 1 FROM sqlite_master WHERE name = 'jobs'")
    if (!isNewTeam && !hasTable) kv.put('jobs-unlisted', Date.now() + UNLISTED_MS)
    sql.exec(JOBS_SCHEMA)
  }

  add(generation: string, model: string, nowMs: number): void {
    const { sql } = this.#storage
    sql.exec('DELETE FROM jobs WHERE until_ms <= ?', nowMs)
    sql.exec('INSERT OR REPLACE INTO jobs VALUES (?, ?, ?)', generation, model, nowMs + KNOWN_MS)
  }

  /** Whether a generation may be a job of the team, and its model. */
  find(generation: string, nowMs: number): { isKnown: boolean; model: string | undefined } {
    const { sql, kv } = this.#storage
    const row = readRow(sql, knownJobRow, 'SELECT model FROM jobs WHERE generation = ?', generation)
    const isUnlisted = nowMs < (readEntry(kv, 'jobs-unlisted', z.number()) ?? 0)
    return { isKnown: row !== undefined || isUnlisted, model: row?.model }
  }
}
