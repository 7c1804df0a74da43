import * as z from 'zod'
import { type Failure, failureSchema } from '../failures/errors'
import { type Order, orderSchema } from '../ledger/entry'

/** An order after its turn, reserved or refused for good; its Generation object is not notified yet. */
export interface CalledOrder {
  order: Order
  refusal: Failure | undefined
}

const QUEUE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS queue (
    place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, generation TEXT NOT NULL, key TEXT NOT NULL,
    verdict TEXT, task TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS queue_generation ON queue (generation);
  CREATE INDEX IF NOT EXISTS queue_waiting ON queue (key) WHERE verdict IS NULL;
  CREATE INDEX IF NOT EXISTS queue_called ON queue (place) WHERE verdict IS NOT NULL;
`

/** `task` is the order as JSON; `verdict` is null while the order waits. */
type QueueRow = { task: string; verdict: string | null }

const storedVerdict = z.object({ refusal: failureSchema.optional() })

/** The orders of a team that wait for their turn, first come, first served. Nothing here awaits. */
export class OrderQueue {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  createTables(): void {
    this.#sql.exec(QUEUE_SCHEMA)
  }

  /** Whether any order waits. */
  get isWaiting(): boolean {
    return this.next([]) !== undefined
  }

  /** Whether an order waits, or has had its turn without its object being notified. */
  has(id: string): boolean {
    return this.#sql.exec('SELECT 1 FROM queue WHERE id = ?', id).toArray().length > 0
  }

  /** The number of waiting orders: all of them, or those of one key. */
  count(key?: string): number {
    const [where, values] = key === undefined ? ['', []] : ['AND key = ?', [key]]
    return this.#sql
      .exec<{ n: number }>(`SELECT count(*) AS n FROM queue WHERE verdict IS NULL ${where}`, ...values)
      .one().n
  }

  /** Appends an order, unless it is queued. */
  join({ id, generation, key, ...rest }: Order): void {
    this.#sql.exec(
      'INSERT INTO queue (id, generation, key, task) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      id,
      generation,
      key,
      JSON.stringify({ id, generation, key, ...rest }),
    )
  }

  /** The first waiting order, without those of some keys. */
  next(exceptKeys: readonly string[]): Order | undefined {
    const [row] = this.#sql
      .exec<QueueRow>(
        `SELECT task, verdict FROM queue WHERE verdict IS NULL
         AND key NOT IN (SELECT value FROM json_each(?)) ORDER BY place LIMIT 1`,
        JSON.stringify(exceptKeys),
      )
      .toArray()
    return row && calledOrder(row).order
  }

  /** Ends the wait of an order; it stays queued until its object is notified. */
  call(id: string, refusal: Failure | undefined): void {
    this.#sql.exec('UPDATE queue SET verdict = ? WHERE id = ?', JSON.stringify({ refusal }), id)
  }

  /** Orders after their turn, before their objects are notified. */
  called(): CalledOrder[] {
    return this.#sql
      .exec<QueueRow>('SELECT task, verdict FROM queue WHERE verdict IS NOT NULL ORDER BY place')
      .toArray()
      .map(calledOrder)
  }

  /** Removes a waiting order; false if its turn has come, or it never waited. */
  leave(id: string): boolean {
    return this.#sql.exec('DELETE FROM queue WHERE id = ? AND verdict IS NULL', id).rowsWritten > 0
  }

  /** Removes an order, in any state. */
  remove(id: string): void {
    this.#sql.exec('DELETE FROM queue WHERE id = ?', id)
  }

  /** The number of orders before a waiting generation; undefined if it does not wait. */
  ordersBefore(generation: string): number | undefined {
    const [row] = this.#sql
      .exec<{ before: number }>(
        `SELECT (SELECT count(*) FROM queue WHERE verdict IS NULL AND place < own.place) AS before
         FROM queue AS own WHERE generation = ? AND verdict IS NULL ORDER BY place LIMIT 1`,
        generation,
      )
      .toArray()
    return row?.before
  }
}

const calledOrder = ({ task, verdict: decided }: QueueRow): CalledOrder => ({
  order: orderSchema.parse(JSON.parse(task)),
  refusal: decided === null ? undefined : storedVerdict.parse(JSON.parse(decided)).refusal,
})
