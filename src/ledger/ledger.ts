import * as z from 'zod'
import {
  type Cursor,
  type Entry,
  entrySchema,
  MAX_KEPT_PROMPT,
  type Order,
  type Settlement,
  type EntryFilter,
  type ListedEntries,
  TEXT_OPERATION,
} from './entry'
import { hasRows, type ObjectStore, readRow, readRows, type SqlStore } from '../runtime/stored'
import { DailySums } from './daily-sums'
import { withoutImages } from './discard'
import { entryPlace } from './page'
import { LEDGER_SCHEMA } from './schema'

/** Bounds of an estimated wait: SDKs wait at most a minute before a retry (protocols §7.1). */
const [MIN_WAIT_MS, MAX_WAIT_MS] = [2000, 60_000]

/** The number of entries in the estimate of a duration. Each status request for a job reads them. */
const RECENT_ENTRIES = 500

/** Columns that were added to the table, and their types. */
const LATER_COLUMNS = [
  ['route', 'TEXT'],
  ['estimated', 'INTEGER NOT NULL DEFAULT 0'],
  ['lost_cost', 'INTEGER DEFAULT 0'],
] as const

const runningSums = z.object({ running: z.number(), reserved: z.number() })
const msRow = z.object({ ms: z.number().nullable() })

/** All runs of a team, with their reservations and costs; requests for texts too. */
export class Ledger {
  readonly #sql: SqlStore
  /** The sums of its entries by day. */
  readonly sums: DailySums

  constructor(storage: ObjectStore) {
    this.#sql = storage.sql
    this.sums = new DailySums(storage)
  }

  createTables(): void {
    this.#sql.exec(LEDGER_SCHEMA)
    // A table stored by an earlier version may lack these columns.
    for (const [name, type] of LATER_COLUMNS)
      if (!hasRows(this.#sql, "SELECT 1 FROM pragma_table_info('ledger') WHERE name = ?", name))
        this.#sql.exec(`ALTER TABLE ledger ADD COLUMN ${name} ${type}`)
    this.sums.createTables()
  }

  entry(id: string): Entry | undefined {
    return readRow(this.#sql, entrySchema, 'SELECT * FROM ledger WHERE id = ?', id)
  }

  /** Inserts an order, or reopens an expired one; it counts for the current day and month. */
  open(order: Order, nowMs: number): void {
    const { id, generation, request, key, model, operation, prompt, images, quote, holdMs } = order
    const held = { expires_ms: nowMs + holdMs, lost_cost: lostCostOf(order) }
    const again = { status: 'running', started_ms: nowMs, ended_ms: null, cost: null, estimated: 0, ...held }
    const row = { ...again, reserved: quote ?? 0, id, generation, request, key, model, operation, n: images }
    const values = { ...row, prompt: prompt.slice(0, MAX_KEPT_PROMPT) }
    const columns = Object.keys(values)
    this.#replace(id, () =>
      this.#entries(
        `INSERT INTO ledger (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
         ON CONFLICT (id) DO UPDATE SET ${Object.keys(again)
           .map((name) => `${name} = excluded.${name}`)
           .join(', ')} RETURNING *`,
        ...Object.values(values),
      ),
    )
  }

  /** Extends the reservation of an order. */
  extend(order: Order, nowMs: number): void {
    this.#update(order.id, { expires_ms: nowMs + order.holdMs, lost_cost: lostCostOf(order) })
  }

  /** Records the outcome of a run and ends its reservation. */
  close(settlement: Settlement, nowMs: number): void {
    const { id, failure, cost, estimated, images, attempts, route, upstream, size, quality, usage } = settlement
    const values = {
      status: failure === undefined ? 'succeeded' : failure === 'cancelled' ? 'cancelled' : 'failed',
      failure: failure ?? null,
      ended_ms: nowMs,
      cost: cost ?? null,
      estimated: estimated ?? 0,
      images: images.length,
      image_keys: JSON.stringify(images),
      kept_keys: JSON.stringify(images),
      attempts,
      route: route ?? null,
      upstream: upstream?.name ?? null,
      account: upstream?.account ?? null,
      served_model: upstream?.model ?? null,
      upstream_request: upstream?.requestId ?? null,
      organization: upstream?.organization ?? null,
      size: size ?? null,
      quality: quality ?? null,
      input_tokens: usage?.input ?? null,
      output_tokens: usage?.output ?? null,
    }
    this.#replace(id, () => this.#update(id, values))
  }

  /** The number of running generations, of one key or of all, and their reserved money in micro-USD. */
  running(key?: string): { running: number; reserved: number } {
    const row = readRow(
      this.#sql,
      runningSums,
      `SELECT count(*) AS running, coalesce(sum(reserved), 0) AS reserved FROM ledger
       WHERE status = 'running' ${key === undefined ? '' : 'AND key = ?'}`,
      ...(key === undefined ? [] : [key]),
    )
    return row ?? { running: 0, reserved: 0 }
  }

  /** The mean duration of the last 20 successful runs for images, in ms; undefined without a recent one. */
  usualMs(model?: string): number | undefined {
    const usual = this.#ms(
      `SELECT avg(ms) AS ms FROM (SELECT ended_ms - started_ms AS ms
       FROM (SELECT status, model, started_ms, ended_ms FROM ledger WHERE operation <> '${TEXT_OPERATION}'
         ORDER BY started_ms DESC LIMIT ${RECENT_ENTRIES})
       WHERE status = 'succeeded' ${model === undefined ? '' : 'AND model = ?'} ORDER BY started_ms DESC LIMIT 20)`,
      ...(model === undefined ? [] : [model]),
    )
    return usual === undefined ? undefined : Math.round(usual)
  }

  /** The estimated ms until the oldest running generation finishes. */
  freeMs(nowMs: number): number {
    const since = this.#ms("SELECT min(started_ms) AS ms FROM ledger WHERE status = 'running'")
    const leftMs = (this.usualMs() ?? MIN_WAIT_MS) - (nowMs - (since ?? nowMs))
    return Math.round(Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, leftMs)))
  }

  /** Ends overdue reservations and returns their entries. */
  expire(nowMs: number): Entry[] {
    const expired = this.#entries(
      `UPDATE ledger SET status = 'expired', ended_ms = max(?1, started_ms), cost = lost_cost, estimated = coalesce(lost_cost, 0)
       WHERE status = 'running' AND expires_ms <= ?1 RETURNING *`,
      nowMs,
    )
    for (const entry of expired) this.sums.replace(undefined, entry)
    return expired
  }

  /** The time when the next reservation expires, in ms since 1970. */
  nextExpiryMs(): number | undefined {
    return this.#ms("SELECT min(expires_ms) AS ms FROM ledger WHERE status = 'running'")
  }

  /** A page of up to `limit` entries, the newest first. */
  page({ generation, image, key, from, to, deleted }: EntryFilter, limit: number, after?: Cursor): ListedEntries {
    const conditions = [
      { sql: 'generation = ?', values: [generation] },
      { sql: 'EXISTS (SELECT 1 FROM json_each(image_keys) WHERE value = ?)', values: [image] },
      { sql: 'key = ?', values: [key] },
      { sql: 'started_ms >= ?', values: [from] },
      { sql: 'started_ms < ?', values: [to] },
      { sql: '(started_ms, id) < (?, ?)', values: [after?.ms, after?.id] },
      { sql: deleted ? 'TRUE' : 'deleted_ms IS NULL', values: [] },
    ].filter(({ values }) => !values.includes(undefined))
    const found = this.#entries(
      `SELECT * FROM ledger WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}
       ORDER BY started_ms DESC, id DESC LIMIT ?`,
      ...conditions.flatMap(({ values }) => values).filter((value) => value !== undefined),
      limit + 1,
    )
    const entries = found.slice(0, limit)
    const last = entries.at(-1)
    return { entries, next: last && found.length > limit ? entryPlace(last) : undefined }
  }

  /** Up to `limit` entries after a place, that began before a time (ms since 1970), the oldest first. */
  oldest(after: Cursor, beforeMs: number, limit: number): Entry[] {
    const query = `SELECT * FROM ledger WHERE (started_ms, id) > (?, ?) AND started_ms < ? ORDER BY started_ms, id LIMIT ?`
    return this.#entries(query, after.ms, after.id, beforeMs, limit)
  }

  /** The start of the entry behind `skipped` others after a place, in ms since 1970. */
  startAfter({ ms, id }: Cursor, skipped: number): number | undefined {
    const query = `SELECT started_ms AS ms FROM ledger WHERE (started_ms, id) > (?, ?)
      ORDER BY started_ms, id LIMIT 1 OFFSET ?`
    return this.#ms(query, ms, id, skipped)
  }

  /** Whether ended entries are as they were read: only the deletion of images changes them. */
  areUnchanged(entries: readonly Entry[]): boolean {
    const query = 'SELECT 1 FROM ledger WHERE id = ? AND kept_keys = ? AND deleted_ms IS ?'
    return entries.every(({ id, kept_keys, deleted_ms }) => hasRows(this.#sql, query, id, kept_keys, deleted_ms))
  }

  /** Removes entries that are elsewhere. Their sums stay. */
  forget(ids: readonly string[]): void {
    for (const id of ids) this.#sql.exec('DELETE FROM ledger WHERE id = ?', id)
  }

  /** Entries with existing images that began before a time (ms since 1970), the oldest first. */
  kept(beforeMs: number, limit: number): Entry[] {
    const query = "SELECT * FROM ledger WHERE kept_keys <> '[]' AND started_ms < ? ORDER BY started_ms LIMIT ?"
    return this.#entries(query, beforeMs, limit)
  }

  /** The start of the oldest entry with existing images, in ms since 1970. */
  oldestKeptMs(): number | undefined {
    return this.kept(Number.MAX_SAFE_INTEGER, 1)[0]?.started_ms
  }

  /** Records that all images of an entry are removed. */
  keepNone(id: string): void {
    this.#update(id, { kept_keys: '[]' })
  }

  /** Records the deletion of images. Without images left, the entry loses its prompt and counts as deleted. */
  discard(id: string, images: readonly string[], nowMs: number): void {
    const entry = this.entry(id)
    if (!entry || entry.status === 'running') return
    const { kept_keys, prompt, deleted_ms } = withoutImages(entry, images, nowMs)
    this.#update(id, { kept_keys, prompt, deleted_ms })
  }

  /** Changes an entry, and its part in the sums. */
  #replace(id: string, change: () => Entry[]): void {
    const before = this.entry(id)
    for (const after of change()) this.sums.replace(before, after)
  }

  #update(id: string, values: Record<string, SqlStorageValue>): Entry[] {
    const assignments = Object.keys(values).map((column) => `${column} = ?`)
    const query = `UPDATE ledger SET ${assignments.join(', ')} WHERE id = ? RETURNING *`
    return this.#entries(query, ...Object.values(values), id)
  }

  #entries(query: string, ...values: SqlStorageValue[]): Entry[] {
    return readRows(this.#sql, entrySchema, query, ...values)
  }

  /** The column `ms` of the only row; undefined for null. */
  #ms(query: string, ...values: SqlStorageValue[]): number | undefined {
    return readRow(this.#sql, msRow, query, ...values)?.ms ?? undefined
  }
}

/** The cost of an order without a settlement: what may have been paid for is booked. */
const lostCostOf = ({ isAsked, quote }: Order): number | null => (isAsked ? (quote ?? null) : 0)
