import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const PROJECT = join(import.meta.dirname, '../..')

test('docs/storage.md has every table and every named entry of the objects', async () => {
  const page = await readFile(join(PROJECT, 'docs/storage.md'), 'utf8')
  const names = await readdir(join(PROJECT, 'src'), { recursive: true })
  const files = names.filter((name) => name.endsWith('.ts')).map((name) => readFile(join(PROJECT, 'src', name), 'utf8'))
  const source = (await Promise.all(files)).join('\n')
  const tables = source.matchAll(/CREATE TABLE IF NOT EXISTS (\w+)/g)
  const entries = source.matchAll(/\.kv\.put(?:<[^>]+>)?\('([\w-]+)'/g)
  const stored = [...tables, ...entries].map(([, name = '']) => name)
  expect(stored.length).toBeGreaterThan(10)
  expect(stored.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
})
