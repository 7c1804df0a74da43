import * as z from 'zod'
import type { Cursor } from '../ledger/entry'

/** A page as JSON; `next` is the cursor of the page after it. */
export const listJson = (
  data: readonly Record<string, unknown>[],
  next: string | undefined,
): Record<string, unknown> => ({
  object: 'list',
  data,
  has_more: next !== undefined,
  next_cursor: next ?? null,
})

/** The JSON of a row, and the cursor of the page after it. */
interface PageRows<Row> {
  rowJson: (row: Row) => Record<string, unknown>
  cursorAfter: (row: Row) => string
}

/** A page of up to `limit` rows. A further row in `rows` shows that there is a next page. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  { rowJson, cursorAfter }: PageRows<Row>,
): Record<string, unknown> {
  const page = rows.slice(0, limit)
  const last = rows.length > limit ? page.at(-1) : undefined
  return listJson(
    page.map((row) => rowJson(row)),
    last && cursorAfter(last),
  )
}

/** The `limit` of a query: the number of rows of a page, from 1 to `max`. */
export const pageLimit = (max: number, usual: number): z.ZodDefault<z.ZodCoercedNumber> =>
  z.coerce.number().int().min(1).max(max).default(usual)

/** The `cursor` of a query, as `cursorOf` writes it. */
export const pageCursor = z
  .string()
  .regex(/^\d{1,15}\.[\w:-]{1,200}$/, 'Use next_cursor of the page before.')
  .transform((text): Cursor => {
    const [ms, id = ''] = text.split('.')
    return { ms: Number(ms), id }
  })

/** The text of a cursor. */
export const cursorOf = ({ ms, id }: Cursor): string => `${ms}.${id}`
