import { afterDiscards } from '../ledger/archive-index'
import type { Cursor, Entry, EntryFilter, ListedEntries } from '../ledger/entry'
import { isBehind, meetsFilter, mergedPage, type PageFilter, entryPlace } from '../ledger/page'
import { keyOfFile, readLedgerFile } from '../store/ledger-files'
import type { Accounting } from './accounting'

/** The most files that one page reads: some 15 ms of work each. */
const FILES_PER_PAGE = 4

/** Pages over all entries of a team, in its ledger and in its archive. */
export class History {
  readonly #accounting: Accounting
  readonly #bucket: R2Bucket

  constructor(accounting: Accounting, bucket: R2Bucket) {
    this.#accounting = accounting
    this.#bucket = bucket
  }

  /** A page of up to `limit` entries of a team, the newest first. Throws StoreError. */
  async page(team: string, filter: EntryFilter, limit: number, after?: Cursor): Promise<ListedEntries> {
    const own = this.#accounting.ledger.page(filter, limit, after)
    return await this.#withArchived(team, own, filter, { limit, after })
  }

  /** A page of up to `limit` entries for images that are not deleted, the newest first. Throws StoreError. */
  async list(team: string, { key }: Pick<EntryFilter, 'key'>, limit: number, after?: Cursor): Promise<ListedEntries> {
    const own = this.#accounting.list({ key }, limit, after)
    return await this.#withArchived(team, own, { key, pictured: true }, { limit, after })
  }

  /** The newest entry that meets conditions. Throws StoreError. */
  async newest(team: string, filter: EntryFilter): Promise<Entry | undefined> {
    for (let after: Cursor | undefined; ;) {
      const { entries, next } = await this.page(team, filter, 1, after)
      if (entries[0] || !next) return entries[0]
      after = next
    }
  }

  /** Completes a page of the ledger by entries of the archive. */
  async #withArchived(
    team: string,
    own: ListedEntries,
    filter: PageFilter,
    { limit, after }: { limit: number; after: Cursor | undefined },
  ): Promise<ListedEntries> {
    const { archive: index } = this.#accounting
    const files = index.files(filter, FILES_PER_PAGE + 1, after)
    const last = own.entries.at(-1)
    // A full page needs no files behind its last entry, but another page follows.
    const next = own.next ?? (last && own.entries.length >= limit && files.length > 0 ? entryPlace(last) : undefined)
    const needed = files.filter(({ last_ms: ms, last_id: id }) => !next || !isBehind({ ms, id }, next))
    // Read before the files: a file that is written anew has them, and has them twice without harm.
    const sources = needed.map((file) => ({ file, discards: index.discards(file) }))
    const archived: ListedEntries = { entries: [], next: undefined }
    for (const [position, { file, discards }] of sources.entries()) {
      if (position === FILES_PER_PAGE || archived.entries.length > limit) break
      const read = await readLedgerFile(this.#bucket, keyOfFile(team, file))
      const entries = (read?.entries ?? []).map((entry) => afterDiscards(entry, discards)).toReversed()
      const isAfter = (entry: Entry): boolean => !after || isBehind(entryPlace(entry), after)
      archived.entries.push(...entries.filter((entry) => isAfter(entry) && meetsFilter(entry, filter)))
      archived.next = position + 1 < needed.length ? { ms: file.first_ms, id: file.first_id } : undefined
    }
    return mergedPage([{ ...own, next }, archived], limit)
  }
}
