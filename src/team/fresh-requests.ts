import * as z from 'zod'
import { HOUR_MS } from '../runtime/durations'
import { readRow, type SqlStore } from '../runtime/stored'

/** A request that shares no picture, but may repeat an earlier one (docs/decisions/0040-fresh-requests.md). */
export interface FreshRequest {
  /** The id of the HTTP request. */
  id: string
  /** The id of its key. */
  key: string
  fingerprint: string
  /** The id of its own generation. */
  generation: string
  madeSinceMs: number
  /** The number of times that its client has sent it before. */
  retry: number
}

/** The end of a request: an answer, a failure, or a client that hung up before either. */
export type FreshEnd = 'answered' | 'failed' | 'left'

/** The time in which a repeated request takes its generation up; the most patient client retries for an hour. */
export const FRESH_MS = HOUR_MS

/** `taker` is the request that has the generation now. */
const FRESH_SCHEMA = `
  CREATE TABLE IF NOT EXISTS fresh (
    generation TEXT PRIMARY KEY, key TEXT NOT NULL, fingerprint TEXT NOT NULL, begun_ms INTEGER NOT NULL,
    retry INTEGER NOT NULL, state TEXT NOT NULL, taker TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS fresh_same ON fresh (key, fingerprint);
  CREATE INDEX IF NOT EXISTS fresh_taker ON fresh (taker);
  CREATE INDEX IF NOT EXISTS fresh_begun ON fresh (begun_ms);
`

/** Requests without an answer that share no picture. */
export class FreshRequests {
  readonly #sql: SqlStore

  constructor(sql: SqlStore) {
    this.#sql = sql
  }

  createTables(): void {
    this.#sql.exec(FRESH_SCHEMA)
  }

  /** The generation of a request: its own, or that of the request that it repeats. A repeated call changes nothing. */
  take(request: FreshRequest, nowMs: number): { generation: string; madeSinceMs: number; isReplay: boolean } {
    const { id, key, fingerprint, generation, retry } = request
    this.#sql.exec('DELETE FROM fresh WHERE begun_ms <= ?', nowMs - FRESH_MS)
    const earlier = this.#find('taker = ?', id) ?? this.#repeatedBy(request)
    if (!earlier) {
      const row = [generation, key, fingerprint, nowMs, retry, 'open', id]
      this.#sql.exec('INSERT INTO fresh VALUES (?, ?, ?, ?, ?, ?, ?)', ...row)
      return { generation, madeSinceMs: nowMs, isReplay: false }
    }
    this.#sql.exec(
      "UPDATE fresh SET retry = ?, state = 'open', taker = ? WHERE generation = ?",
      retry,
      id,
      earlier.generation,
    )
    const isReplay = earlier.generation !== generation
    return { generation: earlier.generation, madeSinceMs: earlier.begun_ms, isReplay }
  }

  /** Ends a request. An answered one is forgotten; another may be repeated. */
  end(id: string, end: FreshEnd): void {
    if (end === 'answered') this.#sql.exec('DELETE FROM fresh WHERE taker = ?', id)
    else this.#sql.exec('UPDATE fresh SET state = ? WHERE taker = ?', end, id)
  }

  /**
   * The earlier request that an equal one of its key repeats. A client may see a loss before the gateway does. So a
   * retry also takes a request under way.
   */
  #repeatedBy({ key, fingerprint, retry }: FreshRequest): FreshRow | undefined {
    const same = 'key = ? AND fingerprint = ?'
    if (retry === 0) return this.#find(`${same} AND state = 'left' ORDER BY begun_ms`, key, fingerprint)
    const likeliest = "CASE state WHEN 'left' THEN 0 WHEN 'failed' THEN 1 ELSE 2 END, begun_ms DESC"
    return this.#find(`${same} AND retry < ? ORDER BY ${likeliest}`, key, fingerprint, retry)
  }

  #find(condition: string, ...values: (string | number)[]): FreshRow | undefined {
    const query = `SELECT generation, begun_ms FROM fresh WHERE ${condition} LIMIT 1`
    return readRow(this.#sql, freshRow, query, ...values)
  }
}

const freshRow = z.object({ generation: z.string(), begun_ms: z.number() })
type FreshRow = z.infer<typeof freshRow>
