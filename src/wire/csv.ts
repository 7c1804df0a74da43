/** The headers of a CSV. */
export const CSV_HEADERS = { 'content-type': 'text/csv; charset=utf-8' }

/** A table as CSV (RFC 4180). */
export const csv = (columns: readonly string[], rows: readonly Record<string, unknown>[]): string =>
  csvLine(columns) + csvRows(columns, rows)

/** More rows of a table. */
export const csvRows = (columns: readonly string[], rows: readonly Record<string, unknown>[]): string =>
  rows.map((row) => csvLine(columns.map((column) => row[column]))).join('')

const csvLine = (cells: readonly unknown[]): string => `${cells.map(cell).join(',')}\r\n`

/** The signs of a formula, in every width and height of Unicode. */
const SIGNS = '=＝﹦⁼₌+＋﹢⁺₊\\-－﹣⁻₋−@＠﹫'

/** A sign, behind blanks and quotes that readers skip. */
const FORMULA = `[\\s\\p{C}"]*[${SIGNS}]`

/** Readers split lines at commas, semicolons or tabs, by the country. Callers choose some of the texts. */
const FORMULA_INSIDE = new RegExp(`[,;\\t\\r\\n](?=${FORMULA})`, 'gu')
const FORMULA_FIRST = new RegExp(`^(?:[\\t\\r\\n]|${FORMULA})`, 'u')

/** The name of a model of Workers AI, with a sign in front and nothing else of a formula. */
const CLOUDFLARE_MODEL = /^@cf\/[\w-]+\/[\w.-]+$/

function cell(value: unknown): string {
  if (typeof value === 'number') return String(value)
  const text = typeof value === 'string' ? value : ''
  const safe = CLOUDFLARE_MODEL.test(text) ? text : withoutFormulas(text)
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Puts an apostrophe before each place where a spreadsheet takes a text for a formula. */
function withoutFormulas(text: string): string {
  const inside = text.replaceAll(FORMULA_INSIDE, "$&'")
  return FORMULA_FIRST.test(text) ? `'${inside}` : inside
}
