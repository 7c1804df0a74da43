/** A Markdown table in the layout of the formatter: cells are padded to the width of their column. */
export function tableOf(head: readonly string[], rows: readonly string[][]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', String.raw`\|`)))
  const widths = head.map((title, at) => Math.max(title.length, 3, ...escaped.map((row) => row[at]?.length ?? 0)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...escaped.map(line)].join('\n')
}
