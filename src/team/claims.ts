import * as z from 'zod'
import { type Failure, type Result, failed, ok } from '../failures/errors'
import { DAY_MS } from '../runtime/durations'
import { readRow, type SqlStore } from '../runtime/stored'
import { type FreshRequest, FreshRequests } from './fresh-requests'

/** The generation that an Idempotency-Key belongs to. */
export interface Claim {
  generation: string
  /** The oldest answer that the first request accepts, in ms since 1970; it holds for retries too. */
  madeSinceMs: number
  /** Whether an earlier request has sent the key. */
  isReplay: boolean
}

/** A request with an Idempotency-Key, and the generation if it is the first one. */
export interface ClaimingRequest extends Omit<Claim, 'isReplay'> {
  idempotencyKey: string
  fingerprint: string
}

/** The life of an Idempotency-Key after its first request (docs/jobs-and-webhooks.md). */
export const CLAIM_MS = DAY_MS

const CLAIMS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS claims (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, generation TEXT NOT NULL, made_since_ms INTEGER NOT NULL,
    claimed_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS claims_claimed ON claims (claimed_ms);
`

const claimRow = z.object({ fingerprint: z.string(), generation: z.string(), made_since_ms: z.number() })

/**
 * The Idempotency-Keys of a team and the first request of each (protocols §8.2), and fresh requests without one.
 */
export class Claims {
  readonly #sql: SqlStore
  readonly fresh: FreshRequests

  constructor(sql: SqlStore) {
    this.#sql = sql
    this.fresh = new FreshRequests(sql)
  }

  createTables(): void {
    this.#sql.exec(CLAIMS_SCHEMA)
    this.fresh.createTables()
  }

  claim(request: ClaimingRequest | FreshRequest, nowMs: number): Result<Claim> {
    return 'idempotencyKey' in request ? this.#keyed(request, nowMs) : ok(this.fresh.take(request, nowMs))
  }

  /** Binds a key to a generation, or returns its earlier claim. A different request with the same key is refused. */
  #keyed({ idempotencyKey: key, fingerprint, generation, madeSinceMs }: ClaimingRequest, nowMs: number): Result<Claim> {
    this.#sql.exec('DELETE FROM claims WHERE claimed_ms <= ?', nowMs - CLAIM_MS)
    const query = 'SELECT fingerprint, generation, made_since_ms FROM claims WHERE key = ?'
    const earlier = readRow(this.#sql, claimRow, query, key)
    if (earlier && earlier.fingerprint !== fingerprint) return failed(CLAIM_MISMATCH)
    if (earlier) return ok({ generation: earlier.generation, madeSinceMs: earlier.made_since_ms, isReplay: true })
    this.#sql.exec('INSERT INTO claims VALUES (?, ?, ?, ?, ?)', key, fingerprint, generation, madeSinceMs, nowMs)
    return ok({ generation, madeSinceMs, isReplay: false })
  }
}

const CLAIM_MISMATCH: Failure = {
  code: 'idempotency_conflict',
  message:
    'This Idempotency-Key came with another request before. Use a new key for each request, and the same for its retries.',
  retry: false,
}
