import * as z from 'zod'
import { DAY_MS } from '../runtime/durations'

export const DELIVERY_STATUSES = ['pending', 'delivered', 'failed'] as const
type DeliveryStatus = (typeof DELIVERY_STATUSES)[number]

/** How the delivery of an event stands, as its generation tells it; times are ms since 1970. */
export interface DeliveryReport {
  /** The event's. */
  id: string
  generation: string
  type: string
  url: string
  status: DeliveryStatus
  attempts: number
  /** The HTTP status of the last attempt, and why that failed, in our own words. */
  lastStatus?: number | undefined
  lastError?: string | undefined
  createdMs: number
  lastMs?: number | undefined
  /** When the next attempt is made. */
  nextMs?: number | undefined
  /** The receiver wants no more events at this URL. */
  gone?: boolean | undefined
}

/** The same as it is kept. */
export type Delivery = Pick<DeliveryReport, 'id' | 'generation' | 'type' | 'url' | 'status' | 'attempts'> & {
  last_status: number | null
  last_error: string | null
  created_ms: number
  last_ms: number | null
  next_ms: number | null
}

/** Which deliveries are asked for. */
export interface DeliveryFilter {
  id?: string | undefined
  status?: DeliveryStatus | undefined
  generation?: string | undefined
}

/** Where a page of deliveries begins: after this one. */
export interface DeliveryCursor {
  createdMs: number
  id: string
}

/** Where a page of deliveries begins, as the page before it told. */
export const deliveryCursor = z
  .string()
  .regex(/^\d{1,15}\.[\w:-]{1,200}$/, 'Use next_cursor of the page before.')
  .transform((text): DeliveryCursor => {
    const [createdMs, id = ''] = text.split('.')
    return { createdMs: Number(createdMs), id }
  })

/** The cursor of the page after the one that ends with this delivery. */
export const cursorAfterDelivery = ({ created_ms, id }: Delivery): string => `${created_ms}.${id}`

/** A stored team may be without it. */
const DELIVERIES_SCHEMA = `
  CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT PRIMARY KEY, generation TEXT NOT NULL, type TEXT NOT NULL, url TEXT NOT NULL, status TEXT NOT NULL,
    attempts INTEGER NOT NULL, last_status INTEGER, last_error TEXT,
    created_ms INTEGER NOT NULL, last_ms INTEGER, next_ms INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS deliveries_created ON deliveries (created_ms, id);
`

const DELIVERY_RETENTION_MS = 30 * DAY_MS

/** The events of a team in the last 30 days, and whether they arrived. */
export class Deliveries {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  create(): void {
    this.#sql.exec(DELIVERIES_SCHEMA)
  }

  /** Writes down how a delivery stands, and lets go of those that are too old. */
  record(note: DeliveryReport, nowMs: number): void {
    const { id, generation, type, url, status, attempts, lastStatus, lastError, createdMs, lastMs, nextMs } = note
    const last = { last_status: lastStatus ?? null, last_error: lastError ?? null, last_ms: lastMs ?? null }
    const standing = { url, status, attempts, ...last, next_ms: nextMs ?? null }
    const values = { id, generation, type, created_ms: createdMs, ...standing }
    const columns = Object.keys(values)
    this.#sql.exec('DELETE FROM deliveries WHERE created_ms < ?', nowMs - DELIVERY_RETENTION_MS)
    this.#sql.exec(
      `INSERT INTO deliveries (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
       ON CONFLICT (id) DO UPDATE SET ${Object.keys(standing)
         .map((name) => `${name} = excluded.${name}`)
         .join(', ')}`,
      ...Object.values(values),
    )
  }

  /** The newest first. */
  page({ id, status, generation }: DeliveryFilter, limit: number, after?: DeliveryCursor): Delivery[] {
    const conditions = [
      { sql: 'id = ?', values: [id] },
      { sql: 'status = ?', values: [status] },
      { sql: 'generation = ?', values: [generation] },
      { sql: '(created_ms, id) < (?, ?)', values: [after?.createdMs, after?.id] },
    ].filter(({ values }) => !values.includes(undefined))
    return this.#sql
      .exec<Delivery>(
        `SELECT * FROM deliveries WHERE ${['TRUE', ...conditions.map(({ sql }) => sql)].join(' AND ')}
         ORDER BY created_ms DESC, id DESC LIMIT ?`,
        ...conditions.flatMap(({ values }) => values),
        limit,
      )
      .toArray()
  }
}
