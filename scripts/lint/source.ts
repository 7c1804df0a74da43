/* Reads source files for the lints: comments, test titles, sentences in strings, imports and top-level names. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync, type Comment, type EcmaScriptModule, type Expression, type Program, Visitor } from 'oxc-parser'

/** A piece of prose and the line on which it begins, counted from 1. */
export interface Prose {
  line: number
  text: string
}

export interface Source {
  text: string
  program: Program
  comments: Comment[]
  module: EcmaScriptModule
}

/** Test functions of vitest: the first argument is a title. */
const TEST_FUNCTIONS = new Set(['test', 'it', 'describe', 'suite', 'bench'])

/** A comment for a tool, not for a reader. */
const DIRECTIVE = /^[\s*/]*(oxlint-|eslint-|@ts-|prettier-|v8 ignore|<reference|@vitest|#__PURE__|@__PURE__)/

/** Throws when the text is not TypeScript. */
export function sourceOf(path: string, text = readFileSync(path, 'utf8')): Source {
  const { program, comments, module, errors } = parseSync(path, text)
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`)
  return { text, program, comments, module }
}

/** The folders and files with checked comments and prose. */
const CHECKED = [
  'src',
  'test',
  'scripts',
  'docs',
  '.github',
  '.ci/run',
  'vitest.config.ts',
  'wrangler.toml',
  '.dev.vars.example',
].concat(['README', 'CONTRIBUTING', 'SECURITY', 'CHANGELOG', 'AGENTS'].map((page) => `${page}.md`))

/** The checked files below these paths; without a path, those of the repository. */
export const checkedFiles = (paths: readonly string[]): string[] =>
  (paths.length > 0 ? paths : CHECKED)
    .filter((path) => existsSync(path))
    .flatMap((path) => filesBelow(path, ['.ts', '.md', '.toml', '.yml']))

/** The files below a path with one of the extensions, sorted; the path of a file gives that file. */
export function filesBelow(path: string, extensions: string[]): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules' && !name.startsWith('.'))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(path, entry.name), extensions) : join(path, entry.name)))
    .filter((file) => extensions.some((extension) => file.endsWith(extension)))
    .toSorted()
}

/** The line of an offset, counted from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length
}

/** Comments as prose, without indented examples; line comments on consecutive lines are one piece. */
export function commentsOf({ text, comments }: Source): Prose[] {
  const pieces: (Prose & { end: number; type: string })[] = []
  for (const comment of comments) {
    if (DIRECTIVE.test(comment.value) || text.startsWith('#!', comment.start)) continue
    const last = pieces.at(-1)
    const goesOn =
      last?.type === 'Line' && comment.type === 'Line' && /^\n[ \t]*$/.test(text.slice(last.end, comment.start))
    if (goesOn) {
      last.text += `\n${comment.value.trim()}`
      last.end = comment.end
    } else {
      const value = comment.value
        .replaceAll(/^[ \t]*\*+[ \t]?/gm, '')
        .replaceAll(/^ {4}.*$/gm, '')
        .trim()
      pieces.push({ line: lineAt(text, comment.start), text: value, end: comment.end, type: comment.type })
    }
  }
  return pieces.map(({ line, text: value }) => ({ line, text: value }))
}

/** Comments of a file in which `#` begins one: a line of its own; consecutive lines are one piece. */
export function hashCommentsOf(text: string): Prose[] {
  const pieces: (Prose & { next: number })[] = []
  for (const [at, line] of text.split('\n').entries()) {
    const comment = /^\s*# (.*)/.exec(line)?.[1]
    if (comment === undefined) continue
    const last = pieces.at(-1)
    if (last?.next === at) {
      last.text += `\n${comment}`
      last.next = at + 1
    } else pieces.push({ line: at + 1, text: comment, next: at + 1 })
  }
  return pieces.map(({ line, text: value }) => ({ line, text: value }))
}

/** The specifiers of imports and re-exports, also of types, and of `import()` as a value or as a type. */
export function importsOf({ text, program, module }: Source): string[] {
  const { staticImports, staticExports, dynamicImports } = module
  const dynamic = dynamicImports.map(({ moduleRequest: { start, end } }) => text.slice(start + 1, end - 1))
  const again = staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
  )
  const types: string[] = []
  new Visitor({
    TSImportType: ({ source }) => void types.push(source.value),
    TSExternalModuleReference: ({ expression }) => void types.push(expression.value),
  }).visit(program)
  return [
    ...new Set([...staticImports.map(({ moduleRequest }) => moduleRequest.value), ...again, ...dynamic, ...types]),
  ]
}

/** Titles of tests and of groups of tests, with the words of three and more that tables put into them. */
export function titlesOf({ text, program }: Source): Prose[] {
  const titles: Prose[] = []
  const tables = constantsOf(program)
  const add = (node: Expression, leastWords: number): void => {
    const title = stringOf(node)
    if (title === undefined || title.split(' ').length < leastWords) return
    titles.push({ line: lineAt(text, node.start), text: title })
  }
  new Visitor({
    CallExpression({ callee, arguments: [first] }) {
      if (!first || first.type === 'SpreadElement') return
      if (isTable(callee)) for (const label of labelsOf(first, tables)) add(label, 3)
      else if (isTestFunction(callee)) add(first, 1)
    },
  }).visit(program)
  return titles.toSorted((a, b) => a.line - b.line)
}

function isTestFunction(callee: Expression): boolean {
  if (callee.type === 'Identifier') return TEST_FUNCTIONS.has(callee.name)
  if (callee.type === 'MemberExpression') return isTestFunction(callee.object)
  if (callee.type === 'CallExpression')
    return callee.callee.type === 'MemberExpression' && isTestFunction(callee.callee)
  return callee.type === 'TaggedTemplateExpression' && isTestFunction(callee.tag)
}

/** Whether this is `test.each`, `test.for` or the like, which take a table. */
function isTable(callee: Expression): boolean {
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return false
  return ['each', 'for'].includes(callee.property.name) && isTestFunction(callee.object)
}

/** The first string of each row of a table, given in place or as a constant of the file. */
function labelsOf(table: Expression, constants: ReadonlyMap<string, Expression>): Expression[] {
  const rows = table.type === 'Identifier' ? constants.get(table.name) : table
  if (rows?.type !== 'ArrayExpression') return []
  return rows.elements.flatMap((row) => {
    const first = row?.type === 'ArrayExpression' ? row.elements[0] : row
    return first && first.type !== 'SpreadElement' ? [first] : []
  })
}

/** Constants of a file with their values, by name. */
function constantsOf(program: Program): Map<string, Expression> {
  const constants = new Map<string, Expression>()
  new Visitor({
    VariableDeclarator({ id, init }) {
      if (id.type === 'Identifier' && init) constants.set(id.name, init)
    },
  }).visit(program)
  return constants
}

/** Strings that read as sentences: a capital, three spaces or more, and an end. */
export function sentencesInStrings({ text, program }: Source): Prose[] {
  const sentences: Prose[] = []
  const add = (node: Expression): void => {
    const value = stringOf(node)
    if (value === undefined || !/^[A-Z]/.test(value) || !/[.?!]$/.test(value)) return
    if (value.split(' ').length > 3) sentences.push({ line: lineAt(text, node.start), text: value })
  }
  new Visitor({ Literal: add, TemplateLiteral: add }).visit(program)
  return sentences
}

/** A string literal, or a template with one word in place of each expression. */
function stringOf(node: Expression): string | undefined {
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : undefined
  if (node.type !== 'TemplateLiteral') return undefined
  return node.quasis.map(({ value }) => value.cooked ?? value.raw).join('X')
}
