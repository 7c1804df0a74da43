import * as z from 'zod'
import { failureSchema } from '../failures/errors'
import { type Order, orderSchema } from '../ledger/entry'
import { hasRows, jsonText, readRow, readRows, type SqlStore } from '../runtime/stored'
import type { OrderState, OrderVerdict } from './order-transition'

/** `task` is the order as JSON. `verdict` is null while the order waits; rows with one are the outbox. */
const QUEUE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS queue (
    place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, generation TEXT NOT NULL, key TEXT NOT NULL,
    verdict TEXT, task TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS queue_generation ON queue (generation);
  CREATE INDEX IF NOT EXISTS queue_waiting ON queue (key) WHERE verdict IS NULL;
  CREATE INDEX IF NOT EXISTS queue_called ON queue (place) WHERE verdict IS NOT NULL;
`

const verdictText = jsonText(z.object({ refusal: failureSchema.optional() }))
const stateRow = z.object({ place: z.number(), verdict: verdictText.nullable() })
const waitingRow = z.object({ task: jsonText(orderSchema) })
const calledRow = z.object({ place: z.number(), verdict: verdictText, order: jsonText(orderSchema) })
const countRow = z.object({ n: z.number() })

/** An order after its turn; its Generation object is not notified yet. */
export type CalledOrder = z.infer<typeof calledRow>

/** The table of orders that wait for their turn, first come, first served, and of called ones. */
export class OrderQueue {
  readonly #sql: SqlStore

  constructor(sql: SqlStore) {
    this.#sql = sql
  }

  createTables(): void {
    this.#sql.exec(QUEUE_SCHEMA)
  }

  /** The row of an order. */
  find(id: string): OrderState['row'] {
    const row = readRow(this.#sql, stateRow, 'SELECT place, verdict FROM queue WHERE id = ?', id)
    return row && { ...row, verdict: row.verdict ?? undefined }
  }

  /** The number of waiting orders: all of them, or those of one key. */
  count(key?: string): number {
    const [where, values] = key === undefined ? ['', []] : ['AND key = ?', [key]]
    const query = `SELECT count(*) AS n FROM queue WHERE verdict IS NULL ${where}`
    return readRow(this.#sql, countRow, query, ...values)?.n ?? 0
  }

  /** The first waiting order, without those of some keys. */
  next(exceptKeys: Iterable<string>): Order | undefined {
    const query = `SELECT task FROM queue WHERE verdict IS NULL
      AND key NOT IN (SELECT value FROM json_each(?)) ORDER BY place LIMIT 1`
    return readRow(this.#sql, waitingRow, query, JSON.stringify([...exceptKeys]))?.task
  }

  enqueue(order: Order): void {
    const { id, generation, key } = order
    const query = 'INSERT INTO queue (id, generation, key, task) VALUES (?, ?, ?, ?)'
    this.#sql.exec(query, id, generation, key, JSON.stringify(order))
  }

  call(id: string, verdict: OrderVerdict): void {
    this.#sql.exec('UPDATE queue SET verdict = ? WHERE id = ?', JSON.stringify(verdict), id)
  }

  remove(id: string): void {
    this.#sql.exec('DELETE FROM queue WHERE id = ?', id)
  }

  /** Whether the outbox has any verdict. */
  get hasCalled(): boolean {
    return hasRows(this.#sql, 'SELECT 1 FROM queue WHERE verdict IS NOT NULL LIMIT 1')
  }

  /** The outbox. */
  called(): CalledOrder[] {
    const query = 'SELECT place, verdict, task AS "order" FROM queue WHERE verdict IS NOT NULL ORDER BY place'
    return readRows(this.#sql, calledRow, query)
  }

  /** The number of orders before a waiting generation; undefined if it does not wait. */
  ordersBefore(generation: string): number | undefined {
    const query = `SELECT (SELECT count(*) FROM queue WHERE verdict IS NULL AND place < own.place) AS n
      FROM queue AS own WHERE generation = ? AND verdict IS NULL ORDER BY place LIMIT 1`
    return readRow(this.#sql, countRow, query, generation)?.n
  }
}
