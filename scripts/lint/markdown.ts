/* Reads the prose of a Markdown page: paragraphs, list items, headings and table cells, without code and addresses. */
import type { Prose } from './source.ts'

const LIST_ITEM = /^\s*([-*+]|\d+\.)\s/
const HEADING = /^#{1,6}\s/
const TABLE_ROW = /^\s*\|/

export function proseOf(markdown: string): Prose[] {
  const pieces: Prose[] = []
  let isOpen = false
  for (const [at, line] of withoutFences(markdown).split('\n').entries()) {
    const last = pieces.at(-1)
    if (TABLE_ROW.test(line)) {
      pieces.push(...cellsOf(line).map((cell) => ({ line: at + 1, text: plain(cell) })))
      isOpen = false
    } else if (line.trim() === '') isOpen = false
    else if (isOpen && last && !LIST_ITEM.test(line) && !HEADING.test(line)) last.text += `\n${plain(line)}`
    else {
      pieces.push({ line: at + 1, text: plain(line) })
      isOpen = !HEADING.test(line)
    }
  }
  return pieces
}

/** Blanks fenced code and HTML comments and keeps the count of lines. */
function withoutFences(markdown: string): string {
  const blanks = (block: string): string => block.replaceAll(/[^\n]/g, '')
  return markdown
    .replaceAll(/^[ \t]*(```|~~~)[\s\S]*?^[ \t]*\1[ \t]*$/gm, blanks)
    .replaceAll(/<!--[\s\S]*?-->/g, blanks)
}

function cellsOf(row: string): string[] {
  const cells = row
    .trim()
    .replaceAll(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
  return cells.every((cell) => /^\s*:?-*:?\s*$/.test(cell)) ? [] : cells
}

/** A link becomes its text, an image nothing, an address one word. */
function plain(line: string): string {
  return line
    .replaceAll(/!\[[^\]]*\]\([^)]*\)/g, '')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replaceAll(/<?https?:\/\/[^\s>]+>?/g, 'link')
    .replaceAll('**', '')
}
