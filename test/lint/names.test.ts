import { expect, test } from 'vitest'
import { type Name, repeatedNames, topLevelNames } from '../../scripts/lint/names.ts'
import { sourceOf } from '../../scripts/lint/source.ts'

const exported = (name: string): Name[] => [{ name, isExported: true }]
const own = (name: string): Name[] => [{ name, isExported: false }]

test('functions, classes, types and constants of the top level have names; parameters and locals do not count', () => {
  const text = `export function a(x: number) { const local = x }
class B {}
export interface C {}
type D = 1
export const e = 1, f = 2
const { g } = h
export { D }
`
  expect(topLevelNames(sourceOf('a.ts', text))).toEqual([
    { name: 'a', isExported: true },
    { name: 'B', isExported: false },
    { name: 'C', isExported: true },
    { name: 'D', isExported: true },
    { name: 'e', isExported: true },
    { name: 'f', isExported: true },
  ])
})

test.each<[string, Record<string, Name[]>]>([
  ['two exports of one name', { 'src/a.ts': exported('x'), 'src/b.ts': exported('x') }],
  ['a private name that is exported elsewhere', { 'src/a.ts': exported('x'), 'src/b.ts': own('x') }],
  ['a private name in three files', { 'src/a.ts': own('x'), 'src/b.ts': own('x'), 'src/c.ts': own('x') }],
])('fails on %s', (_, files) => {
  expect([...repeatedNames(new Map(Object.entries(files))).keys()]).toEqual(['x'])
})

test.each<[string, Record<string, Name[]>]>([
  ['a private name in two files', { 'src/a.ts': own('x'), 'src/b.ts': own('x') }],
  [
    'one name in the files of a family',
    { 'src/providers/a.ts': exported('submit'), 'src/providers/b.ts': exported('submit') },
  ],
])('accepts %s', (_, files) => {
  expect(repeatedNames(new Map(Object.entries(files)))).toEqual(new Map())
})
