import { type Entry, entrySchema } from '../ledger/entry'
import type { ArchiveFile } from '../ledger/archive-index'
import { monthOf } from '../runtime/calendar'
import { READ_MS, StoreError, withRetries } from './retries'

/** The prefix of all files of a team. */
const prefixOf = (team: string): string => `ledger/${team}/`

/** The key of a file: its month, and its number in the team. */
export const keyOfFile = (team: string, { first_ms, number }: Pick<ArchiveFile, 'first_ms' | 'number'>): string =>
  `${prefixOf(team)}${monthOf(first_ms)}/${String(number).padStart(6, '0')}.jsonl`

/** The entries of a file, the oldest first, and the etag of that content. */
interface LedgerFile {
  entries: Entry[]
  etag: string
}

/** Reads a file; undefined without one. Throws StoreError, and ZodError for a line that is no entry. */
export async function readLedgerFile(bucket: R2Bucket, key: string): Promise<LedgerFile | undefined> {
  const read = await withRetries(
    async () => {
      const object = await bucket.get(key)
      return object ? { text: await object.text(), etag: object.etag } : undefined
    },
    { deadlineMs: READ_MS },
  )
  return read && { entries: entriesIn(read.text), etag: read.etag }
}

/** One entry a line. A column of a later version needs a default here, since files stay as they are. */
const entriesIn = (text: string): Entry[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => entrySchema.parse(JSON.parse(line)))

/** The etag of a file; undefined without one. Throws StoreError. */
export const etagOfFile = async (bucket: R2Bucket, key: string): Promise<string | undefined> =>
  (await withRetries(() => bucket.head(key), { deadlineMs: READ_MS }))?.etag

/**
 * Writes a file in place of the content with an etag, or of none. So a late write of an earlier try changes nothing.
 * Throws StoreError, also if there is another content.
 */
export async function putLedgerFile(
  bucket: R2Bucket,
  key: string,
  entries: readonly Entry[],
  etag: string | undefined,
): Promise<void> {
  const text = entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
  const onlyIf = etag === undefined ? { etagDoesNotMatch: '*' } : { etagMatches: etag }
  const httpMetadata = { contentType: 'application/jsonl' }
  const written = await withRetries(() => bucket.put(key, text, { onlyIf, httpMetadata }))
  if (!written) throw new StoreError(new Error(`the file ${key} has changed meanwhile`))
}

/** The keys of up to 1,000 files of a team. Throws StoreError. */
export async function ledgerFilesOf(bucket: R2Bucket, team: string): Promise<string[]> {
  const { objects } = await withRetries(() => bucket.list({ prefix: prefixOf(team) }))
  return objects.map(({ key }) => key)
}
