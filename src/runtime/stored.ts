import * as z from 'zod'
import { describe, log } from './log'

/** The SQL of an object's storage. Its rows are unknown until a schema has read them. */
export interface SqlStore {
  exec(query: string, ...values: SqlStorageValue[]): { toArray(): unknown[] }
}

/** The entries of an object's storage. Their values are unknown until a schema has read them. */
export interface EntryStore {
  get(name: string): unknown
  put(name: string, value: unknown): void
  delete(name: string): boolean
}

/** Entries that can be listed by the beginning of their names. */
export interface ListedEntryStore extends EntryStore {
  list(options: { prefix: string }): Iterable<[name: string, value: unknown]>
}

/** The synchronous part of an object's storage. A transaction that throws changes nothing. */
export interface ObjectStore {
  readonly sql: SqlStore
  readonly kv: EntryStore
  transactionSync<Value>(work: () => Value): Value
}

/** The rows of a query. Throws ZodError for a row that the schema does not allow. */
export const readRows = <Row>(
  sql: SqlStore,
  schema: z.ZodType<Row>,
  query: string,
  ...values: SqlStorageValue[]
): Row[] =>
  sql
    .exec(query, ...values)
    .toArray()
    .map((row) => schema.parse(row))

/** The first row of a query. Throws ZodError for a row that the schema does not allow. */
export const readRow = <Row>(
  sql: SqlStore,
  schema: z.ZodType<Row>,
  query: string,
  ...values: SqlStorageValue[]
): Row | undefined => readRows(sql, schema, query, ...values)[0]

/** Whether a query finds any row. */
export const hasRows = (sql: SqlStore, query: string, ...values: SqlStorageValue[]): boolean =>
  sql.exec(query, ...values).toArray().length > 0

/** The value of an entry; undefined without one. Throws ZodError for a value that the schema does not allow. */
export const readEntry = <Value>(kv: EntryStore, name: string, schema: z.ZodType<Value>): Value | undefined =>
  schema.optional().parse(kv.get(name))

/** The value of an entry. Without one, or for a value that the schema does not allow, undefined: the latter is logged. */
export function entryOrNone<Value>(kv: EntryStore, name: string, schema: z.ZodType<Value>): Value | undefined {
  try {
    return readEntry(kv, name, schema)
  } catch (error) {
    log('entry-unreadable', { name, ...describe(error) })
    return undefined
  }
}

/** The entries with a prefix, by the rest of their names. An entry that `read` throws at is logged and left. */
export function readEntries<Value>(
  kv: ListedEntryStore,
  prefix: string,
  read: (stored: unknown) => Value,
): Map<string, Value> {
  const entries = new Map<string, Value>()
  for (const [name, stored] of kv.list({ prefix })) {
    try {
      entries.set(name.slice(prefix.length), read(stored))
    } catch (error) {
      log('entry-unreadable', { name, ...describe(error) })
    }
  }
  return entries
}

/** JSON text of a value. */
export const jsonText = <Value>(value: z.ZodType<Value>): z.ZodType<Value, string> =>
  z
    .string()
    .transform((text): unknown => JSON.parse(text))
    .pipe(value)
