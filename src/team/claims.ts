import { type Failure, type Result, failed, ok } from '../runtime/errors'
import { DAY_MS } from '../runtime/durations'

/** What an Idempotency-Key stands for. */
export interface Claim {
  generation: string
  /** An answer made before is too old for its first request, and so for all that come after; in ms since 1970. */
  madeSinceMs: number
  /** Whether the key came before. */
  isReplay: boolean
}

/** How long a key stands for what it first came with, as docs/jobs-and-webhooks.md says, in ms. */
export const CLAIM_MS = DAY_MS

const CLAIMS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS claims (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, generation TEXT NOT NULL, made_since_ms INTEGER NOT NULL,
    claimed_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS claims_claimed ON claims (claimed_ms);
`

/** The Idempotency-Keys of a team, and what each came with first (protocols §8.2). Nothing here awaits. */
export class Claims {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  create(): void {
    this.#sql.exec(CLAIMS_SCHEMA)
  }

  /** Has a key stand for a generation, or tells for which it stands already; refuses one that came with something else. */
  claim(
    key: string,
    fingerprint: string,
    { generation, madeSinceMs }: Omit<Claim, 'isReplay'>,
    nowMs: number,
  ): Result<Claim> {
    this.#sql.exec('DELETE FROM claims WHERE claimed_ms <= ?', nowMs - CLAIM_MS)
    const [known] = this.#sql
      .exec<{ fingerprint: string; generation: string; made_since_ms: number }>(
        'SELECT fingerprint, generation, made_since_ms FROM claims WHERE key = ?',
        key,
      )
      .toArray()
    if (known && known.fingerprint !== fingerprint) return failed(CLAIM_MISMATCH)
    if (known) return ok({ generation: known.generation, madeSinceMs: known.made_since_ms, isReplay: true })
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
