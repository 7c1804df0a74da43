/*
 * Finds top-level names of src that stand in more than one place: one name, one thing.
 * An exported name stands in one place. A private name stands in at most two.
 * The files of a family are one place. They do one job for each vendor or kind, so a name means the same in all.
 *
 *     node scripts/lint/names.ts  exits with 1 on a breach
 */
import type { Declaration, Directive, Statement } from 'oxc-parser'
import { filesBelow, sourceOf, type Source } from './source.ts'

const MAX_PRIVATE = 2

/** Families: each provider, and each dialect. */
const FAMILIES = [/^src\/providers\//, /^src\/dialects\/[\w-]+\//]

export interface Name {
  name: string
  isExported: boolean
}

/** The functions, classes, types and constants at the top of a file. */
export function topLevelNames({ program, module }: Pick<Source, 'program' | 'module'>): Name[] {
  const exported = new Set(
    module.staticExports.flatMap(({ entries }) => entries.flatMap(({ localName }) => localName.name ?? [])),
  )
  return [...new Set(program.body.flatMap(namesIn))].map((name) => ({ name, isExported: exported.has(name) }))
}

function namesIn(statement: Statement | Directive): string[] {
  if (statement.type === 'ExportNamedDeclaration') return statement.declaration ? declared(statement.declaration) : []
  return declared(statement)
}

function declared(statement: Statement | Directive | Declaration): string[] {
  if (statement.type === 'VariableDeclaration') {
    return statement.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []))
  }
  const isNamed =
    statement.type === 'FunctionDeclaration' ||
    statement.type === 'ClassDeclaration' ||
    statement.type === 'TSInterfaceDeclaration' ||
    statement.type === 'TSTypeAliasDeclaration'
  return isNamed && statement.id ? [statement.id.name] : []
}

/** Names in too many places, each with its files; `*` marks an exporting file. */
export function repeatedNames(files: ReadonlyMap<string, Name[]>): Map<string, string[]> {
  const places = new Map<string, string[]>()
  const exported = new Set<string>()
  for (const [file, names] of files) {
    for (const { name, isExported } of names) {
      places.set(name, [...(places.get(name) ?? []), isExported ? `${file}*` : file])
      if (isExported) exported.add(name)
    }
  }
  return new Map([...places].filter(([name, where]) => countPlaces(where) > (exported.has(name) ? 1 : MAX_PRIVATE)))
}

function countPlaces(files: readonly string[]): number {
  const placeOf = (file: string): string => String(FAMILIES.find((family) => family.test(file)) ?? file)
  return new Set(files.map(placeOf)).size
}

function main(): number {
  const files = new Map(filesBelow('src', ['.ts']).map((file) => [file, topLevelNames(sourceOf(file))]))
  const repeated = [...repeatedNames(files)].toSorted(([, a], [, b]) => b.length - a.length)
  for (const [name, where] of repeated) console.log(`${name} ×${where.length}: ${where.join(' ')}`)
  return repeated.length > 0 ? 1 : 0
}

if (import.meta.main) process.exitCode = main()
