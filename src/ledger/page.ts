import { type Cursor, type Entry, type EntryFilter, imageKeysOf, type ListedEntries, TEXT_OPERATION } from './entry'

/** An entry's place in pages. */
export const entryPlace = ({ started_ms: ms, id }: Pick<Entry, 'started_ms' | 'id'>): Cursor => ({ ms, id })

/** Whether a place comes behind another one in pages, which begin with the newest entry. */
export const isBehind = (place: Cursor, other: Cursor): boolean =>
  place.ms < other.ms || (place.ms === other.ms && place.id < other.id)

const newestFirst = (a: Entry, b: Entry): number => (isBehind(entryPlace(a), entryPlace(b)) ? 1 : -1)

/**
 * One page of up to `limit` entries from the pages of several sources, all after the same place. A source is unknown
 * behind the end of its page, so the merged page ends there too.
 */
export function mergedPage<Row extends Entry>(pages: readonly ListedEntries<Row>[], limit: number): ListedEntries<Row> {
  const ends = pages.flatMap(({ next }) => next ?? [])
  const end = ends.toSorted((a, b) => (isBehind(a, b) ? 1 : -1))[0]
  const known = pages.flatMap(({ entries }) => entries.filter((entry) => !end || !isBehind(entryPlace(entry), end)))
  const entries = known.toSorted(newestFirst).slice(0, limit)
  const last = entries.at(-1)
  return { entries, next: last && known.length > limit ? entryPlace(last) : end }
}

/** The conditions of a page, of any entries or of those for images. */
export interface PageFilter extends EntryFilter {
  /** Leaves out texts. */
  pictured?: boolean | undefined
}

/** Whether an entry meets the conditions of a page. */
export const meetsFilter = (
  entry: Entry,
  { generation, image, key, from, to, deleted, pictured }: PageFilter,
): boolean =>
  (generation === undefined || entry.generation === generation) &&
  (image === undefined || imageKeysOf(entry).includes(image)) &&
  (key === undefined || entry.key === key) &&
  entry.started_ms >= (from ?? -Infinity) &&
  entry.started_ms < (to ?? Infinity) &&
  (deleted === true || entry.deleted_ms === null) &&
  !(pictured && entry.operation === TEXT_OPERATION)
