import * as z from 'zod'
import { type Limits, limitsSchema } from '../limits/limits'

/** A key, as far as it is kept: its secret is not. */
export interface Key {
  id: string
  name: string
  limits: Limits
  createdMs: number
  /** From when on it is refused, in ms since 1970. */
  expiresMs: number | undefined
  revokedMs: number | undefined
}

/** What can be said of a key by whoever runs the gateway. */
export type KeyFields = Pick<Key, 'name' | 'limits' | 'expiresMs'>

const KEYS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS keys (
    id TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, name TEXT NOT NULL, limits TEXT NOT NULL,
    created_ms INTEGER NOT NULL, expires_ms INTEGER, revoked_ms INTEGER
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
  })
  .transform(({ id, name, limits: own, created_ms, expires_ms, revoked_ms }): Key => ({
    id,
    name,
    limits: own,
    createdMs: created_ms,
    expiresMs: expires_ms ?? undefined,
    revokedMs: revoked_ms ?? undefined,
  }))

const KEY_COLUMNS = 'id, name, limits, created_ms, expires_ms, revoked_ms'

/** The keys of a team. */
export class Keys {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  create(): void {
    this.#sql.exec(KEYS_SCHEMA)
  }

  /** Adds a key, once. */
  add(id: string, hash: string, facts: KeyFields, nowMs: number): Key {
    const { name, limits: own, expiresMs } = facts
    this.#sql.exec(
      `INSERT INTO keys (id, hash, name, limits, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      id,
      hash,
      name,
      JSON.stringify(own),
      nowMs,
      expiresMs ?? null,
    )
    return { id, ...facts, createdMs: nowMs, revokedMs: undefined }
  }

  /** Changes what can be said of a key; undefined where there is none. */
  change(id: string, change: Partial<KeyFields>): Key | undefined {
    const key = this.byId(id)
    if (!key) return undefined
    const changed = { ...key, ...change }
    this.#sql.exec(
      'UPDATE keys SET name = ?, limits = ?, expires_ms = ? WHERE id = ?',
      changed.name,
      JSON.stringify(changed.limits),
      changed.expiresMs ?? null,
      id,
    )
    return changed
  }

  /** Has a key open nothing from now on; undefined where there is none. */
  revoke(id: string, nowMs: number): Key | undefined {
    this.#sql.exec('UPDATE keys SET revoked_ms = ? WHERE id = ? AND revoked_ms IS NULL', nowMs, id)
    return this.byId(id)
  }

  /** All there ever were, the newest first. */
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
    return z.array(storedKey).parse(this.#sql.exec(query, ...values).toArray())
  }
}

/** The static key of the settings, for those who want no teams; only they give and revoke it. */
export const STATIC_KEY: Key = {
  id: 'key_static',
  name: 'GATEWAY_KEY',
  limits: {},
  createdMs: 0,
  expiresMs: undefined,
  revokedMs: undefined,
}

/** Whether a key opens anything now. */
export const isActiveKey = ({ expiresMs, revokedMs }: Key, nowMs: number): boolean =>
  revokedMs === undefined && (expiresMs === undefined || nowMs < expiresMs)
