import { readRow, readRows, type SqlStore } from '../runtime/stored'
import { type Cursor, cursorSchema, type EntryFilter, entrySchema, type ListedEntries, TEXT_OPERATION } from './entry'
import { entryPlace } from './page'

/** The most entries that one page of a list reads, listed or not: some 20 ms of work. */
const MOST_READ = 1000

/**
 * Up to `limit` entries for images that are not deleted, the newest first. A page reads a bounded number of entries: no
 * index leaves out texts and deleted entries.
 */
export function listEntries(
  sql: SqlStore,
  { key }: Pick<EntryFilter, 'key'>,
  limit: number,
  after?: Cursor,
): ListedEntries {
  const conditions = [
    { term: 'key = ?', given: [key] },
    { term: '(started_ms, id) < (?, ?)', given: [after?.ms, after?.id] },
  ].filter(({ given }) => !given.includes(undefined))
  const newestFirst = `FROM ledger WHERE ${['TRUE', ...conditions.map(({ term }) => term)].join(' AND ')}
    ORDER BY started_ms DESC, id DESC`
  const values = conditions.flatMap(({ given }) => given).filter((value) => value !== undefined)
  const found = readRows(
    sql,
    entrySchema,
    `SELECT * FROM (SELECT * ${newestFirst} LIMIT ${MOST_READ})
     WHERE operation <> '${TEXT_OPERATION}' AND deleted_ms IS NULL LIMIT ?`,
    ...values,
    limit + 1,
  )
  const entries = found.slice(0, limit)
  const last = entries.at(-1)
  if (last && found.length > limit) return { entries, next: entryPlace(last) }
  const lastRead = readRow(
    sql,
    cursorSchema,
    `SELECT started_ms AS ms, id ${newestFirst} LIMIT 1 OFFSET ${MOST_READ - 1}`,
    ...values,
  )
  return { entries, next: lastRead }
}
