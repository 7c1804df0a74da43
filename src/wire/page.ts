/** How a list tells its entries, and where the page after one of them begins. */
interface Telling<Entry> {
  told: (entry: Entry) => Record<string, unknown>
  cursorAfter: (entry: Entry) => string
}

/** A page of a list as the API tells it: `limit` of what was found, of which one more shows that there is a next page. */
export function pageOf<Entry>(
  found: readonly Entry[],
  limit: number,
  { told, cursorAfter }: Telling<Entry>,
): Record<string, unknown> {
  const page = found.slice(0, limit)
  const last = found.length > limit ? page.at(-1) : undefined
  return {
    object: 'list',
    data: page.map((entry) => told(entry)),
    has_more: last !== undefined,
    next_cursor: last ? cursorAfter(last) : null,
  }
}
