import * as z from 'zod'
import type { Cursor } from '../ledger/entry'
import { DAY_MS } from '../runtime/durations'
import { readRows, type SqlStore } from '../runtime/stored'

export const DELIVERY_STATUSES = ['pending', 'delivered', 'failed'] as const
type DeliveryStatus = (typeof DELIVERY_STATUSES)[number]

/** The state of an event's delivery, as its generation reports it; times are ms since 1970. */
export interface DeliveryReport {
  /** The id of the event. */
  id: string
  generation: string
  type: string
  url: string
  status: DeliveryStatus
  attempts: number
  /** The HTTP status of the last attempt. */
  lastStatus?: number | undefined
  /** The reason of the last failure, as a sentence of the gateway. */
  lastError?: string | undefined
  createdMs: number
  lastMs?: number | undefined
  /** The time of the next attempt. */
  nextMs?: number | undefined
  /** The receiver wants no more events at this URL. */
  gone?: boolean | undefined
}

/** A stored delivery; times are ms since 1970. */
const deliverySchema = z.object({
  id: z.string(),
  generation: z.string(),
  type: z.string(),
  url: z.string(),
  status: z.enum(DELIVERY_STATUSES),
  attempts: z.number(),
  last_status: z.number().nullable(),
  last_error: z.string().nullable(),
  created_ms: z.number(),
  last_ms: z.number().nullable(),
  next_ms: z.number().nullable(),
})
export type Delivery = z.infer<typeof deliverySchema>

/** Conditions of a page; an absent one matches every delivery. */
export interface DeliveryFilter {
  id?: string | undefined
  status?: DeliveryStatus | undefined
  generation?: string | undefined
}

/** Teams stored by earlier versions may lack this table. */
const DELIVERIES_SCHEMA = `
  CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT PRIMARY KEY, generation TEXT NOT NULL, type TEXT NOT NULL, url TEXT NOT NULL, status TEXT NOT NULL,
    attempts INTEGER NOT NULL, last_status INTEGER, last_error TEXT,
    created_ms INTEGER NOT NULL, last_ms INTEGER, next_ms INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS deliveries_created ON deliveries (created_ms, id);
`

const DELIVERY_RETENTION_MS = 30 * DAY_MS

/** The webhook events of a team in the last 30 days and their deliveries. */
export class Deliveries {
  readonly #sql: SqlStore

  constructor(sql: SqlStore) {
    this.#sql = sql
  }

  createTables(): void {
    this.#sql.exec(DELIVERIES_SCHEMA)
  }

  /** Inserts or updates a delivery, and deletes those past their retention. */
  record(report: DeliveryReport, nowMs: number): void {
    const { id, generation, type, url, status, attempts, lastStatus, lastError, createdMs, lastMs, nextMs } = report
    const last = { last_status: lastStatus ?? null, last_error: lastError ?? null, last_ms: lastMs ?? null }
    const state = { url, status, attempts, ...last, next_ms: nextMs ?? null }
    const values = { id, generation, type, created_ms: createdMs, ...state }
    const columns = Object.keys(values)
    this.#sql.exec('DELETE FROM deliveries WHERE created_ms < ?', nowMs - DELIVERY_RETENTION_MS)
    this.#sql.exec(
      `INSERT INTO deliveries (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
       ON CONFLICT (id) DO UPDATE SET ${Object.keys(state)
         .map((name) => `${name} = excluded.${name}`)
         .join(', ')}`,
      ...Object.values(values),
    )
  }

  /** Up to `limit` deliveries, the newest first. */
  page({ id, status, generation }: DeliveryFilter, limit: number, after?: Cursor): Delivery[] {
    const conditions = [
      { sql: 'id = ?', values: [id] },
      { sql: 'status = ?', values: [status] },
      { sql: 'generation = ?', values: [generation] },
      { sql: '(created_ms, id) < (?, ?)', values: [after?.ms, after?.id] },
    ].filter(({ values }) => !values.includes(undefined))
    return readRows(
      this.#sql,
      deliverySchema,
      `SELECT * FROM deliveries WHERE ${['TRUE', ...conditions.map(({ sql }) => sql)].join(' AND ')}
       ORDER BY created_ms DESC, id DESC LIMIT ?`,
      ...conditions.flatMap(({ values }) => values).filter((value) => value !== undefined),
      limit,
    )
  }
}
