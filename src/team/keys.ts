import * as z from 'zod'
import { type Limits, limitsSchema } from '../limits/limits'
import { hasRows, readRows, type SqlStore } from '../runtime/stored'

/** A stored key, without its secret. */
export interface Key {
  id: string
  name: string
  limits: Limits
  /** Whether each of its requests is made by itself; null leaves that to its team. */
  fresh: boolean | null
  createdMs: number
  /** Requests are refused from this time on, in ms since 1970. */
  expiresMs: number | undefined
  revokedMs: number | undefined
}

/** The fields that the admin API sets. */
export type KeyFields = Pick<Key, 'name' | 'limits' | 'fresh' | 'expiresMs'>

const KEYS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, limits TEXT NOT NULL,
    created_ms INTEGER NOT NULL, expires_ms INTEGER, revoked_ms INTEGER, fresh INTEGER
  ) WITHOUT ROWID;
`

const storedKey = z
  .object({
    id: z.string(),
    name: z.string(),
    limits: z.string().transform((text) => limitsSchema.parse(JSON.parse(text))),
    created_ms: z.number(),
    expires_ms: z.number().nullable(),
    revoked_ms: z.number().nullable(),
    fresh: z.number().nullable(),
  })
  .transform(({ id, name, limits: own, created_ms, expires_ms, revoked_ms, fresh }): Key => ({
    id,
    name,
    limits: own,
    fresh: fresh === null ? null : fresh === 1,
    createdMs: created_ms,
    expiresMs: expires_ms ?? undefined,
    revokedMs: revoked_ms ?? undefined,
  }))

const KEY_COLUMNS = 'id, name, limits, created_ms, expires_ms, revoked_ms, fresh'

/** The keys of a team. */
export class Keys {
  readonly #sql: SqlStore

  constructor(sql: SqlStore) {
    this.#sql = sql
  }

  createTables(): void {
    this.#sql.exec(KEYS_SCHEMA)
    // A table stored by an earlier version may lack this column.
    const isThere = hasRows(this.#sql, "SELECT 1 FROM pragma_table_info('keys') WHERE name = 'fresh'")
    if (!isThere) this.#sql.exec('ALTER TABLE keys ADD COLUMN fresh INTEGER')
  }

  /** Adds a key; a repeated call with the same id changes nothing. */
  add(id: string, hash: string, fields: KeyFields, nowMs: number): Key {
    const { name, limits: own, fresh, expiresMs } = fields
    this.#sql.exec(
      `INSERT INTO keys (id, hash, name, limits, created_ms, expires_ms, fresh) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      id,
      hash,
      name,
      JSON.stringify(own),
      nowMs,
      expiresMs ?? null,
      storedFresh(fresh),
    )
    return { id, ...fields, createdMs: nowMs, revokedMs: undefined }
  }

  /** Changes fields of a key; undefined if there is no such key. */
  change(id: string, change: Partial<KeyFields>): Key | undefined {
    const key = this.byId(id)
    if (!key) return undefined
    const changed = { ...key, ...change }
    this.#sql.exec(
      'UPDATE keys SET name = ?, limits = ?, expires_ms = ?, fresh = ? WHERE id = ?',
      changed.name,
      JSON.stringify(changed.limits),
      changed.expiresMs ?? null,
      storedFresh(changed.fresh),
      id,
    )
    return changed
  }

  /** Revokes a key from now on; undefined if there is no such key. */
  revoke(id: string, nowMs: number): Key | undefined {
    this.#sql.exec('UPDATE keys SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL', nowMs, id)
    return this.byId(id)
  }

  /** All keys, also revoked and expired ones, the newest first. */
  all(): Key[] {
    return this.#read(`SELECT ${KEY_COLUMNS} FROM keys ORDER BY created_ms DESC, id`)
  }

  byId(id: string): Key | undefined {
    return this.#read(`SELECT ${KEY_COLUMNS} FROM keys WHERE id = ?`, id)[0]
  }

  byHash(hash: string): Key | undefined {
    return this.#read(`SELECT ${KEY_COLUMNS} FROM keys WHERE hash = ?`, hash)[0]
  }

  #read(query: string, ...values: string[]): Key[] {
    return readRows(this.#sql, storedKey, query, ...values)
  }
}

const storedFresh = (fresh: boolean | null): number | null => (fresh === null ? null : Number(fresh))

/** The static key of the settings (GATEWAY_KEY), for a gateway without teams; the admin API does not change it. */
export const STATIC_KEY: Key = {
  id: 'key_static',
  name: 'GATEWAY_KEY',
  limits: {},
  fresh: null,
  createdMs: 0,
  expiresMs: undefined,
  revokedMs: undefined,
}

/** Whether a key is neither revoked nor expired. */
export const isActiveKey = ({ expiresMs, revokedMs }: Key, nowMs: number): boolean =>
  revokedMs === undefined && (expiresMs === undefined || nowMs < expiresMs)
