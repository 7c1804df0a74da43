import { createHash } from 'node:crypto'
import * as z from 'zod'
import { hasRows, jsonText, readRows, type SqlStore } from '../runtime/stored'
import type { Cursor, Entry } from './entry'
import { withoutImages } from './discard'
import { isBehind, type PageFilter } from './page'

/** `generation` is the hash of its id: a row takes some 20 bytes. */
const ARCHIVE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS archive (
    number INTEGER PRIMARY KEY, first_ms INTEGER NOT NULL, first_id TEXT NOT NULL, last_ms INTEGER NOT NULL,
    last_id TEXT NOT NULL, kept_ms INTEGER
  );
  CREATE INDEX IF NOT EXISTS archive_first ON archive (first_ms, first_id);
  CREATE INDEX IF NOT EXISTS archive_kept ON archive (kept_ms) WHERE kept_ms IS NOT NULL;
  CREATE TABLE IF NOT EXISTS archived (
    generation INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (generation, number)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS discarded (
    place INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL, run TEXT NOT NULL, images TEXT NOT NULL,
    ms INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS discarded_number ON discarded (number);
`

const archiveFile = z.object({
  /** Files are numbered from 1 in the order of their entries. */
  number: z.number(),
  /** The places of its first and its last entry. */
  first_ms: z.number(),
  first_id: z.string(),
  last_ms: z.number(),
  last_id: z.string(),
  /** The start of its oldest entry with existing images, in ms since 1970. */
  kept_ms: z.number().nullable(),
})
/** A file of the archive: all ended entries of a range of places, the oldest first. */
export type ArchiveFile = z.infer<typeof archiveFile>

const discardRow = z.object({
  place: z.number(),
  run: z.string(),
  images: jsonText(z.array(z.string())),
  ms: z.number(),
})
/** The deletion of images of an archived entry; its file still names them. */
export type Discard = z.infer<typeof discardRow>

/** An entry after the deletion of its images. */
export const afterDiscards = (entry: Entry, discards: readonly Discard[]): Entry =>
  discards
    .filter(({ run }) => run === entry.id)
    .reduce((left, { images, ms }) => withoutImages(left, images, ms), entry)

/** 48 bits: a number that is exact in JavaScript. Equal hashes of two ids cost a reader one more file. */
const hashOf = (generation: string): number =>
  Number.parseInt(createHash('sha256').update(generation).digest('hex').slice(0, 12), 16)

/** The files of the archive, the generations in each, and deletions that are not in the files yet. */
export class ArchiveIndex {
  readonly #sql: SqlStore

  constructor(sql: SqlStore) {
    this.#sql = sql
  }

  createTables(): void {
    this.#sql.exec(ARCHIVE_SCHEMA)
  }

  /** The newest file. */
  newest(): ArchiveFile | undefined {
    return this.#files('ORDER BY number DESC LIMIT 1')[0]
  }

  add(file: ArchiveFile, generations: ReadonlySet<string>): void {
    const columns = Object.keys(file)
    this.#sql.exec(
      `INSERT INTO archive (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
      ...Object.values(file),
    )
    for (const generation of generations)
      this.#sql.exec('INSERT OR IGNORE INTO archived VALUES (?, ?)', hashOf(generation), file.number)
  }

  /** Up to `limit` files that may have entries of a page, the newest first. */
  files({ generation, from, to }: PageFilter, limit: number, after?: Cursor): ArchiveFile[] {
    const conditions = [
      { sql: 'archived.generation = ?', values: [generation === undefined ? undefined : hashOf(generation)] },
      { sql: '(first_ms, first_id) < (?, ?)', values: [after?.ms, after?.id] },
      { sql: 'first_ms < ?', values: [to] },
      { sql: 'last_ms >= ?', values: [from] },
      { sql: 'first_ms >= coalesce((SELECT max(first_ms) FROM archive WHERE first_ms < ?), 0)', values: [from] },
    ].filter(({ values }) => !values.includes(undefined))
    // The order of the join is that of its tables: a generation has few files.
    const source = generation === undefined ? 'archive' : 'archived CROSS JOIN archive USING (number)'
    return this.#files(
      `WHERE ${['TRUE', ...conditions.map(({ sql }) => sql)].join(' AND ')}
       ORDER BY first_ms DESC, first_id DESC LIMIT ?`,
      [...conditions.flatMap(({ values }) => values).filter((value) => value !== undefined), limit],
      source,
    )
  }

  /** The file with the oldest existing image. */
  oldestKept(): ArchiveFile | undefined {
    return this.#files('WHERE kept_ms IS NOT NULL ORDER BY kept_ms LIMIT 1')[0]
  }

  /** A file with entries that were deleted since it was written. */
  outdated(): ArchiveFile | undefined {
    return this.#files('WHERE number = (SELECT number FROM discarded LIMIT 1)')[0]
  }

  /** Whether any file has entries that were deleted since it was written. */
  get isOutdated(): boolean {
    return hasRows(this.#sql, 'SELECT 1 FROM discarded LIMIT 1')
  }

  /** Records the deletion of images of the entry at a place, if that is in a file. */
  discard(at: Cursor, images: readonly string[], nowMs: number): void {
    const query = 'WHERE (first_ms, first_id) <= (?, ?) ORDER BY first_ms DESC, first_id DESC LIMIT 1'
    const [file] = this.#files(query, [at.ms, at.id])
    if (file && !isBehind({ ms: file.last_ms, id: file.last_id }, at))
      this.#sql.exec(
        'INSERT INTO discarded (number, run, images, ms) VALUES (?, ?, ?, ?)',
        file.number,
        at.id,
        JSON.stringify(images),
        nowMs,
      )
  }

  /** The deletions that a file lacks, in their order. */
  discards({ number }: ArchiveFile): Discard[] {
    const query = 'SELECT place, run, images, ms FROM discarded WHERE number = ? ORDER BY place'
    return readRows(this.#sql, discardRow, query, number)
  }

  /** Records that a file was written anew with some of its deletions. */
  rewritten({ number }: ArchiveFile, discards: readonly Discard[], keptMs: number | null): void {
    this.#sql.exec('UPDATE archive SET kept_ms = ? WHERE number = ?', keptMs, number)
    this.#sql.exec('DELETE FROM discarded WHERE number = ? AND place <= ?', number, discards.at(-1)?.place ?? 0)
  }

  #files(clause: string, values: readonly SqlStorageValue[] = [], source = 'archive'): ArchiveFile[] {
    return readRows(this.#sql, archiveFile, `SELECT archive.* FROM ${source} ${clause}`, ...values)
  }
}
