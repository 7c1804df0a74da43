import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'

const PROJECT = join(import.meta.dirname, '../..')

let page: string

beforeAll(async () => {
  page = await readFile(join(PROJECT, 'docs/architecture.md'), 'utf8')
})

/** The files that begin the steps of a section, in order. */
function walk(title: string): string[] {
  const [, section = ''] = page.split(`### ${title}\n`)
  const [steps = ''] = section.split('\n#')
  return Array.from(steps.matchAll(/^\d+\. `([^`]+)`/gm), ([, path = '']) => path)
}

test('every path in docs/architecture.md exists', () => {
  const paths = Array.from(page.matchAll(/`((?:src|scripts|test)\/[\w./-]*)`/g), ([, path = '']) => path)
  expect(paths.length).toBeGreaterThan(40)
  expect(paths.filter((path) => !existsSync(join(PROJECT, path)))).toEqual([])
})

test('a hit passes through at most 10 files, a miss through at most 16, each once', () => {
  const [hit, miss] = [walk('2.1 A hit'), walk('2.2 A miss')]
  expect(hit.length).toBeLessThanOrEqual(10)
  expect(miss.length).toBeLessThanOrEqual(16)
  expect(miss.length).toBeGreaterThan(hit.length)
  for (const steps of [hit, miss]) expect(new Set(steps).size).toBe(steps.length)
})

/** A stub of the object's namespace and the list of providers lead to these two. */
const REACHED_OTHERWISE = ['src/generation/generation.ts', 'src/providers/openai.ts']

test('an earlier file of the walk imports each file', async () => {
  for (const steps of [walk('2.1 A hit'), walk('2.2 A miss')]) {
    const texts = await Promise.all(steps.map((path) => readFile(join(PROJECT, path), 'utf8')))
    const unreached = steps.slice(1).filter((path, at) => {
      const imported = `/${basename(path, '.ts')}'`
      return !texts.slice(0, at + 1).some((text) => text.includes(imported)) && !REACHED_OTHERWISE.includes(path)
    })
    expect(unreached).toEqual([])
  }
})

test('every room of src is in the table of layers', async () => {
  const table = await readFile(join(PROJECT, 'scripts/lint/layers-table.ts'), 'utf8')
  const rooms = Array.from(table.matchAll(/'([\w-]+(?:\.ts)?)(?:\/[^']*)?'/g), ([, room = '']) => room)
  const named = rooms.filter((room) => room !== 'context.ts')
  expect(named.filter((room) => !page.includes(`\`src/${room}${room.endsWith('.ts') ? '' : '/'}\``))).toEqual([])
})
