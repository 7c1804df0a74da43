/*
 * Checks references in comments and pages: `NAME §N.M` is a heading of docs/NAME.md, a named page exists, a link leads somewhere.
 *
 *     node scripts/lint/references.ts PATH…  exits with 1 on a breach; without a path, checks the repository
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkedFiles, commentsOf, hashCommentsOf, sourceOf } from './source.ts'

/** Documents outside of the repository, by the words before `§`. */
const ELSEWHERE =
  /(RFC \d+|WHATWG [A-Z]\w+|W3C [A-Z]\w+|HTML|PNG specification,?|ECMA-\d+|Standard Webhooks|draft-[\w-]+)$/

/** A section sign with its number, and the text between it and the sign before. */
const SECTION = /(?<before>[^§]*)§(?<number>\d+(?:\.\d+)*)/g
/** Words before `§` that name no document: the section is one of the document named last. */
const NO_NAME = new Set(['of', 'in', 'by', 'see', 'and', 'or', 'to', 'with'])

/** A reference to a section; the page is undefined where no name precedes the sign. */
export interface Reference {
  page: string | undefined
  number: string
}

/** The references to sections of documents of the repository. */
export function referencesIn(text: string): Reference[] {
  const references: Reference[] = []
  let document: string | undefined
  for (const { groups } of text.replaceAll(/\s+/g, ' ').matchAll(SECTION)) {
    const before = groups?.['before'] ?? ''
    document = documentBefore(before) ?? document
    if (document !== 'elsewhere') references.push({ page: document, number: groups?.['number'] ?? '' })
  }
  return references
}

function documentBefore(before: string): string | undefined {
  const words = before.trimEnd()
  if (ELSEWHERE.test(words)) return 'elsewhere'
  const name = /(?:docs\/)?([a-z][a-z-]*)(?:\.md)?[`)\]]?$/i.exec(words)?.[1]?.toLowerCase()
  return name === undefined || NO_NAME.has(name) ? undefined : name
}

/** The numbers of a page's headings: `## 1. Limits` is 1, `### 1.2 Sizes` is 1.2. */
export function sectionsOf(page: string): Set<string> {
  return new Set([...page.matchAll(/^#{2,6} (\d+(?:\.\d+)*)\.? /gm)].map(([, number]) => number ?? ''))
}

/** The anchors of a page's headings, as hosts of Git repositories make them. */
function anchorsOf(page: string): Set<string> {
  const headings = [...page.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => heading ?? '')
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  )
}

/** The breaches of one piece of prose; `file` names the page that a bare `§` belongs to. */
export function brokenIn(text: string, file: string, root = '.'): string[] {
  const own = file.startsWith('docs/') ? file.slice('docs/'.length, -'.md'.length) : undefined
  const sections = referencesIn(text).flatMap(({ page = own, number }) => {
    const pathOf = (name: string | undefined): string => join(root, 'docs', `${name}.md`)
    const path = pathOf(existsSync(pathOf(page)) ? page : own)
    const isHeading = existsSync(path) && sectionsOf(readFileSync(path, 'utf8')).has(number)
    return isHeading ? [] : [`no heading ${number} in docs/${page ?? '?'}.md`]
  })
  const seeds = [...text.matchAll(/(?<!-)\bseeds?\/\w+/g)].map(([found]) => `${found} is not in the repository`)
  return [...sections, ...seeds]
}

/** The links of a page that lead nowhere; addresses of the web are not looked at. */
export function brokenLinks(markdown: string, file: string): string[] {
  const links = [...markdown.replaceAll(/^```[\s\S]*?^```/gm, '').matchAll(/\]\((?!\w+:)([^)\s#]*)(?:#([^)\s]+))?\)/g)]
  return links.flatMap(([link, path = '', anchor]) => {
    const target = path === '' ? file : join(dirname(file), path)
    if (!existsSync(target)) return [`${link} leads to no file`]
    if (anchor === undefined || !target.endsWith('.md')) return []
    return anchorsOf(readFileSync(target, 'utf8')).has(anchor) ? [] : [`${link} leads to no heading`]
  })
}

function breachesOf(file: string): string[] {
  const text = readFileSync(file, 'utf8')
  if (file.endsWith('.md'))
    return [...brokenIn(text, file), ...brokenLinks(text, file)].map((what) => `${file} ${what}`)
  const comments = file.endsWith('.ts') ? commentsOf(sourceOf(file, text)) : hashCommentsOf(text)
  return comments.flatMap((comment) => brokenIn(comment.text, file).map((what) => `${file}:${comment.line} ${what}`))
}

function main(paths: string[]): number {
  const breaches = checkedFiles(paths).flatMap(breachesOf)
  for (const breach of breaches) console.error(breach)
  return breaches.length > 0 ? 1 : 0
}

if (import.meta.main) process.exitCode = main(process.argv.slice(2))
