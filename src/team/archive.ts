import { afterDiscards, type ArchiveFile, type ArchiveIndex } from '../ledger/archive-index'
import { type Cursor, type Entry, keptKeysOf } from '../ledger/entry'
import type { Ledger } from '../ledger/ledger'
import { monthEndMs } from '../runtime/calendar'
import { DAY_MS } from '../runtime/durations'
import type { ObjectStore } from '../runtime/stored'
import { ENTRIES_AT_ONCE, removeImages } from '../store/images'
import { etagOfFile, keyOfFile, ledgerFilesOf, putLedgerFile, readLedgerFile } from '../store/ledger-files'
import type { Accounting } from './accounting'

/** The age of entries that move to R2, in ms: status requests and deletions are frequent before. */
const ARCHIVE_AGE_MS = 7 * DAY_MS

/** The entries of a file: the work of one step blocks the team for some 20 ms. */
const FILE_ENTRIES = 250

/** Files of a deleted team removed in one alarm. */
const FILES_PER_PURGE = 200

/**
 * Old entries of the ledger, in files in R2. A file has the ended entries of a range of places in one month. Entries
 * that money may still change stay in the ledger. Only the team's alarm writes files, so that no two writes overlap.
 */
export class Archive {
  readonly #storage: Pick<ObjectStore, 'transactionSync'>
  readonly #bucket: R2Bucket
  readonly #ledger: Ledger
  readonly #index: ArchiveIndex
  readonly #fileEntries: number

  constructor(
    storage: Pick<ObjectStore, 'transactionSync'>,
    bucket: R2Bucket,
    { ledger, archive }: Pick<Accounting, 'ledger' | 'archive'>,
    fileEntries = FILE_ENTRIES,
  ) {
    this.#storage = storage
    this.#bucket = bucket
    this.#ledger = ledger
    this.#index = archive
    this.#fileEntries = fileEntries
  }

  /**
   * Does one step of a team's due work; false without any. Deleted entries come first, then images that began before
   * `keptSinceMs`, in ms since 1970, then more entries. Throws StoreError.
   */
  async step(team: string, nowMs: number, keptSinceMs: number): Promise<boolean> {
    if (this.#ledger.sums.isBehind) return false
    const file = this.#index.outdated() ?? this.#withImagesBefore(keptSinceMs)
    if (!file) return await this.#move(team, nowMs)
    await this.#rewrite(keyOfFile(team, file), file, keptSinceMs)
    return true
  }

  /** The time of the next step, in ms since 1970, apart from the retention of images. */
  dueMs(nowMs: number): number | undefined {
    if (this.#index.isOutdated) return nowMs
    const end = this.#end
    const firstMs = this.#ledger.startAfter(end, 0)
    if (firstMs === undefined) return undefined
    // The rest costs more, and each reservation asks.
    if (firstMs + ARCHIVE_AGE_MS > nowMs) return firstMs + ARCHIVE_AGE_MS
    const fullMs = this.#ledger.startAfter(end, this.#fileEntries - 1) ?? Infinity
    return Math.min(fullMs, monthEndMs(firstMs)) + ARCHIVE_AGE_MS
  }

  /** Removes the images of archived entries of a deleted team, and its files. False if some are left. Throws StoreError. */
  async purge(team: string): Promise<boolean> {
    const keys = await ledgerFilesOf(this.#bucket, team)
    const now = keys.slice(0, FILES_PER_PURGE)
    for (const key of now) await this.#removeImages((await readLedgerFile(this.#bucket, key))?.entries ?? [])
    await removeImages(this.#bucket, now)
    return keys.length === now.length
  }

  /** The last place of the newest file. */
  get #end(): Cursor {
    const newest = this.#index.newest()
    return newest ? { ms: newest.last_ms, id: newest.last_id } : { ms: 0, id: '' }
  }

  /** Moves the oldest entries into a file, once they fill it or their month is over. */
  async #move(team: string, nowMs: number): Promise<boolean> {
    const due = this.#due(nowMs)
    const [first, last] = [due[0], due.at(-1)]
    if (!first || !last) return false
    const moved = due.filter(({ status }) => status !== 'running' && status !== 'expired')
    const file: ArchiveFile = {
      number: (this.#index.newest()?.number ?? 0) + 1,
      first_ms: first.started_ms,
      first_id: first.id,
      last_ms: last.started_ms,
      last_id: last.id,
      kept_ms: keptMsOf(moved),
    }
    const key = keyOfFile(team, file)
    // A process may have died between the file and its row.
    if (moved.length > 0) await putLedgerFile(this.#bucket, key, moved, await etagOfFile(this.#bucket, key))
    return this.#storage.transactionSync(() => {
      if (!this.#ledger.areUnchanged(moved)) return false
      this.#index.add(file, new Set(moved.map(({ generation }) => generation)))
      this.#ledger.forget(moved.map(({ id }) => id))
      return true
    })
  }

  /** The entries of the next file, and those between them that stay; none before their time. */
  #due(nowMs: number): Entry[] {
    const end = this.#end
    const firstMs = this.#ledger.startAfter(end, 0)
    if (firstMs === undefined) return []
    const [endMs, oldMs] = [monthEndMs(firstMs), nowMs - ARCHIVE_AGE_MS]
    const due = this.#ledger.oldest(end, Math.min(endMs, oldMs + 1), this.#fileEntries)
    return due.length === this.#fileEntries || endMs <= oldMs ? due : []
  }

  #withImagesBefore(ms: number): ArchiveFile | undefined {
    const oldest = this.#index.oldestKept()
    return oldest && (oldest.kept_ms ?? Infinity) < ms ? oldest : undefined
  }

  /** Writes a file anew, without prompts of deleted entries, and removes images of entries that began before a time. */
  async #rewrite(key: string, file: ArchiveFile, keptSinceMs: number): Promise<void> {
    const discards = this.#index.discards(file)
    const read = await readLedgerFile(this.#bucket, key)
    const entries = (read?.entries ?? []).map((entry) => afterDiscards(entry, discards))
    await this.#removeImages(entries.filter(({ started_ms }) => started_ms < keptSinceMs))
    const kept = entries.map((entry) => (entry.started_ms < keptSinceMs ? { ...entry, kept_keys: '[]' } : entry))
    // An operator may have removed the file.
    if (read) await putLedgerFile(this.#bucket, key, kept, read.etag)
    this.#storage.transactionSync(() => this.#index.rewritten(file, discards, keptMsOf(kept)))
  }

  async #removeImages(entries: readonly Entry[]): Promise<void> {
    for (let from = 0; from < entries.length; from += ENTRIES_AT_ONCE)
      await removeImages(this.#bucket, entries.slice(from, from + ENTRIES_AT_ONCE).flatMap(keptKeysOf))
  }
}

/** The start of the first entry with existing images, in ms since 1970. */
const keptMsOf = (entries: readonly Entry[]): number | null =>
  entries.find((entry) => keptKeysOf(entry).length > 0)?.started_ms ?? null
