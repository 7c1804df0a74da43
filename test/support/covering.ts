import { full } from './full'

/**
 * Pairs of two lists: each member of either list is in at least `times` of them. With `FULL=1`, all pairs.
 * Faults of one list alone show in such a cover; faults of a single pair show at full size.
 */
export function covering<Row, Column>(
  rows: readonly Row[],
  columns: readonly Column[],
  times: number,
): (readonly [Row, Column])[] {
  const all = rows.map((row) => columns.map((column) => [row, column] as const))
  if (full) return all.flat()
  const longer = Math.max(rows.length, columns.length)
  const steps = Array.from({ length: times * longer }, (_, at) => at)
  const picked = steps.map((at) => all[at % rows.length]?.[(at + Math.floor(at / longer)) % columns.length])
  return [...new Set(picked)].filter((pair) => pair !== undefined)
}

/** Each member of a list with the next one: an equality that holds along this chain holds for all pairs. With `FULL=1`, all pairs. */
export const chained = <Item>(items: readonly Item[]): (readonly [Item, Item])[] =>
  items.flatMap((one, at) => items.slice(at + 1, full ? undefined : at + 2).map((other) => [one, other] as const))
