import * as z from 'zod'
import { type Failure, failureSchema } from '../runtime/errors'
import { type Order, orderSchema } from '../ledger/entry'

/** A generation whose turn has come: its money is held, or it is refused for good; its object has yet to hear of that. */
export interface CalledOrder {
  order: Order
  refusal: Failure | undefined
}

const QUEUE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS queue (
    place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, generation TEXT NOT NULL, key TEXT NOT NULL,
    verdict TEXT, task TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS queue_called ON queue (place) WHERE verdict IS NOT NULL;
`

/** `verdict` is null while it waits. */
type QueueRow = { task: string; verdict: string | null }

const storedVerdict = z.object({ refusal: failureSchema.optional() })

/** The generations of a team that wait for their turn, in the order in which they came. Nothing here awaits. */
export class OrderQueue {
  readonly #sql: SqlStorage

  constructor(sql: SqlStorage) {
    this.#sql = sql
  }

  create(): void {
    this.#sql.exec(QUEUE_SCHEMA)
  }

  /** Whether any waits. */
  get isWaiting(): boolean {
    return this.next([]) !== undefined
  }

  /** Puts an order at the end, unless it is there. */
  join({ id, generation, key, ...rest }: Order): void {
    this.#sql.exec(
      'INSERT INTO queue (id, generation, key, task) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      id,
      generation,
      key,
      JSON.stringify({ id, generation, key, ...rest }),
    )
  }

  /** The first that waits and is not by one of these keys. */
  next(passedOver: readonly string[]): Order | undefined {
    const [row] = this.#sql
      .exec<QueueRow>(
        `SELECT task, verdict FROM queue WHERE verdict IS NULL
         AND key NOT IN (SELECT value FROM json_each(?)) ORDER BY place LIMIT 1`,
        JSON.stringify(passedOver),
      )
      .toArray()
    return row && calledOrder(row).order
  }

  /** Notes what was decided of one, which now waits for its object to hear of it. */
  call(id: string, refusal: Failure | undefined): void {
    this.#sql.exec('UPDATE queue SET verdict = ? WHERE id = ?', JSON.stringify({ refusal }), id)
  }

  /** Those whose turn has come and whose object has yet to hear of it. */
  called(): CalledOrder[] {
    return this.#sql
      .exec<QueueRow>('SELECT task, verdict FROM queue WHERE verdict IS NOT NULL ORDER BY place')
      .toArray()
      .map(calledOrder)
  }

  /** Takes one out that waits; false where its turn has come, or it never waited. */
  leave(id: string): boolean {
    return this.#sql.exec('DELETE FROM queue WHERE id = ? AND verdict IS NULL', id).rowsWritten > 0
  }

  /** Takes one out whose object has heard of its turn. */
  remove(id: string): void {
    this.#sql.exec('DELETE FROM queue WHERE id = ?', id)
  }

  /** How many wait before a generation; undefined where it does not. */
  ordersBefore(generation: string): number | undefined {
    const [row] = this.#sql
      .exec<{ before: number }>(
        `SELECT (SELECT count(*) FROM queue WHERE verdict IS NULL AND place < own.place) AS before
         FROM queue AS own WHERE generation = ? AND verdict IS NULL`,
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
