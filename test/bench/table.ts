/** One line of the table. */
export interface Figure {
  figure: string
  floor: string
  gateway: string
  /** The subject of the goal. */
  result: string
  goal: string
  reached: boolean
}

const COLUMNS = ['figure', 'floor', 'gateway', 'result', 'goal', 'reached'] as const

export function table(figures: Figure[]): string {
  const rows = figures.map(({ reached, ...rest }) => ({ ...rest, reached: reached ? 'yes' : 'no' }))
  return aligned([...COLUMNS], rows)
}

/** A table of texts with a heading for each column. */
export function aligned<Column extends string>(columns: Column[], rows: Record<Column, string>[]): string {
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => row[column].length)))
  const line = (cells: string[]): string =>
    cells
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd()
  const ruler = widths.map((width) => '-'.repeat(width))
  return [line(columns), line(ruler), ...rows.map((row) => line(columns.map((column) => row[column])))].join('\n')
}

export function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (upper + lower) / 2
}
