import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { APART, FLOORS } from '../../scripts/lint/layers-table.ts'
import {
  arrowsBelow,
  arrowsBetween,
  circlesIn,
  folderCircles,
  roomArrows,
  roomOf,
  upwardArrows,
} from '../../scripts/lint/layers.ts'
import { filesBelow } from '../../scripts/lint/source.ts'
import { sourceTree } from './source-tree.ts'

const TABLE = [['app.ts'], ['upper', 'other'], ['lower/index.ts'], ['lower']]

describe('arrows', () => {
  test('come of imports, of types too, of re-exports and of dynamic imports', () => {
    using root = sourceTree({
      'app.ts':
        "import 'zod'\nimport { a } from './upper/a'\nexport type { B } from './lower'\nawait import('./lower/c')\n",
      'upper/a.ts': "import type { C } from '../lower/c'\nexport const a = 1\n",
      'lower/index.ts': 'export type B = 1\n',
      'lower/c.ts': 'export type C = 1\n',
    })
    expect(Object.fromEntries(arrowsBelow(root.path))).toEqual({
      'app.ts': ['upper/a.ts', 'lower/index.ts', 'lower/c.ts'],
      'lower/c.ts': [],
      'lower/index.ts': [],
      'upper/a.ts': ['lower/c.ts'],
    })
  })

  test('come of types by import() and of import assignments', () => {
    using root = sourceTree({
      'app.ts': "export type A = import('./upper/a').A\nimport b = require('./upper/b')\n",
      'upper/a.ts': 'export type A = 1\n',
      'upper/b.ts': 'export const b = 1\n',
    })
    expect(arrowsBelow(root.path).get('app.ts')).toEqual(['upper/a.ts', 'upper/b.ts'])
  })

  test('a file that the table names is a room of its own', () => {
    expect(['lower/index.ts', 'lower/b/c.ts', 'upper/a.ts', 'elsewhere.ts'].map((file) => roomOf(file, TABLE))).toEqual(
      ['lower/index.ts', 'lower', 'upper', undefined],
    )
  })

  test('an arrow down or within a room is allowed', () => {
    const arrows = new Map([
      ['app.ts', ['upper/a.ts', 'lower/b.ts']],
      ['upper/a.ts', ['upper/b.ts', 'lower/index.ts']],
      ['lower/index.ts', ['lower/b.ts']],
    ])
    expect(upwardArrows(arrows, TABLE)).toEqual([])
  })

  test.each([
    ['upward', 'lower/b.ts', 'upper/a.ts'],
    ['to a room of the same floor', 'other/a.ts', 'upper/a.ts'],
    ['to a file that is a room above', 'lower/b.ts', 'lower/index.ts'],
  ])('an arrow %s is refused', (_, file, target) => {
    expect(upwardArrows(new Map([[file, [target]]]), TABLE)).toEqual([
      expect.stringContaining(`${file} imports ${target}`),
    ])
  })

  test('a folder outside the table is refused', () => {
    expect(upwardArrows(new Map([['utils/a.ts', []]]), TABLE)).toEqual([
      expect.stringContaining('utils/a.ts is in no room'),
    ])
  })
})

describe('circles', () => {
  test('of files are found', () => {
    const arrows = new Map([
      ['a', ['b']],
      ['b', ['c', 'd']],
      ['c', ['a']],
      ['d', []],
    ])
    expect(circlesIn(arrows)).toEqual([['a', 'b', 'c']])
  })

  test('of rooms are found where no file is in one', () => {
    const arrows = new Map([
      ['upper/a.ts', ['lower/a.ts']],
      ['lower/b.ts', ['upper/b.ts']],
    ])
    expect(circlesIn(arrows)).toEqual([])
    expect(circlesIn(roomArrows(arrows, TABLE))).toEqual([['upper', 'lower']])
  })

  test('of folders are found where a file is a room of its own', () => {
    const arrows = new Map([
      ['lower/index.ts', ['other/a.ts']],
      ['other/a.ts', ['lower/b.ts']],
      ['lower/b.ts', []],
    ])
    expect(circlesIn(roomArrows(arrows, TABLE))).toEqual([])
    expect(folderCircles(arrows)).toEqual([['lower', 'other']])
  })
})

test('dialects and providers stay apart, in both directions', () => {
  const arrows = new Map([
    ['dialects/a.ts', ['providers/b.ts']],
    ['providers/wire/c.ts', ['dialects/openai/d.ts', 'image/e.ts']],
  ])
  expect(arrowsBetween(arrows, APART)).toEqual([
    expect.stringContaining('dialects/a.ts imports providers/b.ts'),
    expect.stringContaining('providers/wire/c.ts imports dialects/openai/d.ts'),
  ])
})

test('an upward arrow added to src fails', () => {
  const arrows = arrowsBelow('src')
  expect(upwardArrows(arrows, FLOORS)).toEqual([])
  arrows.set('failures/errors.ts', ['app.ts'])
  expect(upwardArrows(arrows, FLOORS)).toEqual([expect.stringContaining('failures is not above app.ts')])
  expect(circlesIn(arrows).length).toBeGreaterThan(0)
})

test('no other room of src names the id of a dialect or a provider', () => {
  const texts = new Map(filesBelow('src', ['.ts']).map((file) => [file, readFileSync(file, 'utf8')]))
  const isOwn = (file: string): boolean => /^src\/(dialects|providers)\//.test(file)
  const own = [...texts].filter(([file]) => isOwn(file)).map(([, text]) => text)
  const ids = Array.from(own.join('\n').matchAll(/\bid: '([a-z][\w-]*)'/g), ([, id = '']) => id)
  expect(ids).toEqual(expect.arrayContaining(['openai', 'demo', 'gemini', 'responses']))
  const named = [...texts].filter(([file, text]) => !isOwn(file) && ids.some((id) => text.includes(`'${id}'`)))
  expect(named.map(([file]) => file)).toEqual([])
})
