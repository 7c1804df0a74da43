/*
 * Checks the rule of words in comments, test titles, sentences of strings in src, and Markdown.
 *
 *     node scripts/lint/words.ts                checks the repository; exits with 1 on a breach
 *     node scripts/lint/words.ts PATH…          the same for these paths
 *     node scripts/lint/words.ts --count PATH…  prints the number of breaches of each folder
 */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { proseOf } from './markdown.ts'
import { breachesIn } from './sentences.ts'
import {
  checkedFiles,
  commentsOf,
  hashCommentsOf,
  type Prose,
  sentencesInStrings,
  sourceOf,
  titlesOf,
} from './source.ts'

interface Breach {
  file: string
  line: number
  what: string
}

/** The prose of one file that the rule covers. */
function proseOfFile(file: string): Prose[] {
  if (file.endsWith('.md')) return proseOf(readFileSync(file, 'utf8'))
  if (!file.endsWith('.ts')) return hashCommentsOf(readFileSync(file, 'utf8'))
  const source = sourceOf(file)
  const strings = /(^|\/)src\//.test(file) ? sentencesInStrings(source) : []
  return [...commentsOf(source), ...titlesOf(source), ...strings].toSorted((a, b) => a.line - b.line)
}

const breachesOf = (file: string): Breach[] =>
  proseOfFile(file).flatMap(({ line, text }) => breachesIn(text).map((what) => ({ file, line, what })))

function main(args: string[]): number {
  const paths = args.filter((arg) => arg !== '--count')
  const breaches = checkedFiles(paths).flatMap(breachesOf)
  if (args.includes('--count')) {
    const folders = Map.groupBy(breaches, ({ file }) => dirname(file))
    for (const [folder, found] of folders) console.log(`${String(found.length).padStart(6)} ${folder}`)
  } else for (const { file, line, what } of breaches) console.log(`${file}:${line} ${what}`)
  if (breaches.length > 0) console.error(`${breaches.length} breaches of the rule of words`)
  return breaches.length > 0 ? 1 : 0
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2))
