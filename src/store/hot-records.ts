import type { ImageRecord } from '../image/record'
import { RecentMap } from '../runtime/recent-map'

/** The time for which an isolate answers from its memory, in ms. */
const HOT_MS = 1000
/** The most records in memory. With the longest ones they take 8 MiB. */
const MOST_RECORDS = 512
/** The longest record in memory, in characters of its JSON. */
const LONGEST_RECORD = 16 * 1024

/** The state of an id at a moment in ms since 1970. Without a record, its generation is asked. */
interface KnownState {
  record: ImageRecord | undefined
  atMs: number
}

/**
 * The records of the last second in the memory of an isolate. A state counts from the start of its read. A slow read
 * then brings nothing back that was replaced or removed meanwhile.
 */
export class HotRecords {
  readonly #states = new RecentMap<string, KnownState>(MOST_RECORDS)

  /** The state of an id, no older than a second. */
  find(id: string, nowMs: number): KnownState | undefined {
    const state = this.#states.get(id)
    return state && nowMs >= state.atMs && nowMs < state.atMs + HOT_MS ? state : undefined
  }

  /** Keeps a record from a read that began at a moment. Returns it, or the outcome of a later change. */
  noteRead(record: ImageRecord, atMs: number): ImageRecord | undefined {
    const newer = this.find(record.id, Date.now())
    if (newer && newer.atMs >= atMs) return newer.record
    if (isShort(record)) this.#states.set(record.id, { record, atMs })
    return record
  }

  /** Keeps a change of this moment: a record that was just made, or the removal of one. */
  noteChange(id: string, record: ImageRecord | undefined): void {
    this.#states.set(id, { record: record && isShort(record) ? record : undefined, atMs: Date.now() })
  }
}

const isShort = (record: ImageRecord): boolean => JSON.stringify(record).length <= LONGEST_RECORD
