import {
  type Cursor,
  type Entry,
  type KnownGeneration,
  keptKeysOf,
  type Order,
  type Settlement,
  type EntryFilter,
  TEXT_OPERATION,
} from './entry'
import { LEDGER_SCHEMA } from './schema'

/** Sooner is not worth asking again, and no SDK waits for longer than a minute (protocols §7.1). */
const [MIN_WAIT_MS, MAX_WAIT_MS] = [2000, 60_000]

/** How many entries are looked through: a model may have none, and this is asked at every look at a job. */
const RECENT_ENTRIES = 500

/** A prompt is kept to tell pictures apart by. */
const MAX_KEPT_PROMPT = 500

/** Every generation of a team and every request for a text, what was held for it and what it cost. */
export class Ledger {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  createTables(): void {
    this.#sql.exec(LEDGER_SCHEMA)
    // A stored table may be without that column.
    const columns = this.#sql.exec<{ name: string }>("SELECT name FROM pragma_table_info('ledger')").toArray()
    if (!columns.some(({ name }) => name === 'route')) this.#sql.exec('ALTER TABLE ledger ADD COLUMN route TEXT')
  }

  entry(id: string): Entry | undefined {
    return this.#sql.exec<Entry>('SELECT * FROM ledger WHERE id = ?', id).toArray()[0]
  }

  /** Writes an order down, or takes up one again that had expired: on the day and in the month of now. */
  open(order: Order, nowMs: number): void {
    const { id, generation, request, key, model, operation, prompt, images, quote, holdMs } = order
    const again = { status: 'running', started_ms: nowMs, ended_ms: null, cost: null, expires_ms: nowMs + holdMs }
    const row = { ...again, reserved: quote ?? 0, id, generation, request, key, model, operation, n: images }
    const values = { ...row, prompt: prompt.slice(0, MAX_KEPT_PROMPT) }
    const columns = Object.keys(values)
    this.#sql.exec(
      `INSERT INTO ledger (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
       ON CONFLICT (id) DO UPDATE SET ${Object.keys(again)
         .map((name) => `${name} = excluded.${name}`)
         .join(', ')}`,
      ...Object.values(values),
    )
  }

  /** Holds the money of an order for longer. */
  extend({ id, holdMs }: Order, nowMs: number): void {
    this.#update(id, { expires_ms: nowMs + holdMs })
  }

  close(settlement: Settlement, nowMs: number): void {
    const { id, failure, cost, images, attempts, route, upstream, size, quality, usage } = settlement
    this.#update(id, {
      status: failure === undefined ? 'succeeded' : failure === 'cancelled' ? 'cancelled' : 'failed',
      failure: failure ?? null,
      ended_ms: nowMs,
      cost: cost ?? null,
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
    })
  }

  /** How many are running, of one key or of all, and what is held for them, in micro-USD. */
  running(key?: string): { running: number; reserved: number } {
    return this.#sql
      .exec<{ running: number; reserved: number }>(
        `SELECT count(*) AS running, coalesce(sum(reserved), 0) AS reserved FROM ledger
         WHERE status = 'running' ${key === undefined ? '' : 'AND key = ?'}`,
        ...(key === undefined ? [] : [key]),
      )
      .one()
  }

  /**
   * How long the last ones took that succeeded and made pictures, of one model or of all, in ms; undefined where there were
   * none lately.
   */
  usualMs(model?: string): number | undefined {
    const { usual } = this.#sql
      .exec<{ usual: number | null }>(
        `SELECT avg(ms) AS usual FROM (SELECT ended_ms - started_ms AS ms
         FROM (SELECT status, model, started_ms, ended_ms FROM ledger WHERE operation <> '${TEXT_OPERATION}'
           ORDER BY started_ms DESC LIMIT ${RECENT_ENTRIES})
         WHERE status = 'succeeded' ${model === undefined ? '' : 'AND model = ?'} ORDER BY started_ms DESC LIMIT 20)`,
        ...(model === undefined ? [] : [model]),
      )
      .one()
    return usual === null ? undefined : Math.round(usual)
  }

  /** In how many ms the oldest that is running may have finished, if it takes as long as the last ones did. */
  freeMs(nowMs: number): number {
    const { since } = this.#sql
      .exec<{ since: number | null }>("SELECT min(started_ms) AS since FROM ledger WHERE status = 'running'")
      .one()
    const leftMs = (this.usualMs() ?? MIN_WAIT_MS) - (nowMs - (since ?? nowMs))
    return Math.round(Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, leftMs)))
  }

  /** Ends the reservations whose time has passed, and tells which they were. */
  expire(nowMs: number): Entry[] {
    return this.#sql
      .exec<Entry>(
        `UPDATE ledger SET status = 'expired', ended_ms = ?1, cost = 0
         WHERE status = 'running' AND expires_ms <= ?1 RETURNING *`,
        nowMs,
      )
      .toArray()
  }

  /** When the next reservation expires, in ms since 1970. */
  nextExpiryMs(): number | undefined {
    const { due } = this.#sql
      .exec<{ due: number | null }>("SELECT min(expires_ms) AS due FROM ledger WHERE status = 'running'")
      .one()
    return due ?? undefined
  }

  /** The newest entries first. */
  page({ generation, image, key, from, to, deleted, pictured }: EntryFilter, limit: number, after?: Cursor): Entry[] {
    const conditions = [
      { sql: 'generation = ?', values: [generation] },
      { sql: 'EXISTS (SELECT 1 FROM json_each(image_keys) WHERE value = ?)', values: [image] },
      { sql: 'key = ?', values: [key] },
      { sql: 'started_ms >= ?', values: [from] },
      { sql: 'started_ms < ?', values: [to] },
      { sql: '(started_ms, id) < (?, ?)', values: [after?.ms, after?.id] },
      { sql: deleted ? 'TRUE' : 'deleted_ms IS NULL', values: [] },
      { sql: pictured ? `operation <> '${TEXT_OPERATION}'` : 'TRUE', values: [] },
    ].filter(({ values }) => !values.includes(undefined))
    return this.#sql
      .exec<Entry>(
        `SELECT * FROM ledger WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}
         ORDER BY started_ms DESC, id DESC LIMIT ?`,
        ...conditions.flatMap(({ values }) => values),
        limit,
      )
      .toArray()
  }

  /** The newest run of a generation, and how long the last ones of its model took. */
  find(generation: string, model?: string): Pick<KnownGeneration, 'entry' | 'usualMs'> {
    const [entry] = this.page({ generation }, 1)
    return { entry, usualMs: this.usualMs(model ?? entry?.model) }
  }

  /** Entries whose pictures are kept and that began before a moment, the oldest first. */
  kept(beforeMs: number, limit: number): Entry[] {
    return this.#sql
      .exec<Entry>(
        "SELECT * FROM ledger WHERE kept_keys <> '[]' AND started_ms < ? ORDER BY started_ms LIMIT ?",
        beforeMs,
        limit,
      )
      .toArray()
  }

  /** When the oldest entry began whose pictures are kept, in ms since 1970. */
  oldestKeptMs(): number | undefined {
    return this.kept(Number.MAX_SAFE_INTEGER, 1)[0]?.started_ms
  }

  /** Notes that none of an entry's pictures is kept any more. */
  keepNone(id: string): void {
    this.#update(id, { kept_keys: '[]' })
  }

  /** Notes that pictures of a run were deleted; with none left, it loses all that is neither about money nor for audits. */
  discard(id: string, images: readonly string[], nowMs: number): void {
    const entry = this.entry(id)
    if (!entry || entry.status === 'running') return
    const left = keptKeysOf(entry).filter((key) => !images.includes(key))
    this.#update(id, { kept_keys: JSON.stringify(left), ...(left.length > 0 ? {} : { prompt: '', deleted_ms: nowMs }) })
  }

  #update(id: string, values: Record<string, SqlStorageValue>): void {
    const assignments = Object.keys(values).map((column) => `${column} = ?`)
    this.#sql.exec(`UPDATE ledger SET ${assignments.join(', ')} WHERE id = ?`, ...Object.values(values), id)
  }
}
