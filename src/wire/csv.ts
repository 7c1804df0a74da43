/** A table as CSV (RFC 4180). */
export function csv(columns: readonly string[], rows: readonly Record<string, unknown>[]): string {
  const lines = [columns, ...rows.map((row) => columns.map((column) => row[column]))]
  return lines.map((cells) => `${cells.map(cell).join(',')}\r\n`).join('')
}

/**
 * A spreadsheet takes texts that begin like this for formulas, and callers choose some of the texts.
 * `@cf/…` is the name of a model.
 */
const FORMULA = /^(?:[=+\-\t\r\n]|@(?!cf\/[\w-]+\/[\w.-]+$))/

function cell(value: unknown): string {
  if (typeof value === 'number') return String(value)
  const text = typeof value === 'string' ? value : ''
  const safe = FORMULA.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
