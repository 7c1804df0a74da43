import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { brokenIn, brokenLinks, referencesIn, sectionsOf } from '../../scripts/lint/references.ts'
import { sourceTree } from './source-tree.ts'

const root = sourceTree({ 'docs/example.md': '# Example\n## 1. Limits\n### 1.2 `POST /a`: sizes\n' })
afterAll(() => root.remove())

test('a reference has a page and a number; numbers that follow share the page', () => {
  expect(referencesIn('As listed (protocols §1.1, §1.2), and\n`docs/platform.md` §3.')).toEqual([
    { page: 'protocols', number: '1.1' },
    { page: 'protocols', number: '1.2' },
    { page: 'platform', number: '3' },
  ])
})

test.each([
  'RFC 7240 §4.1, §4.3',
  'RFC 9110 §14), or not again (§13)',
  'RFC 7234 §5.5, 299 of §5.5.7',
  'WHATWG HTML §9.2.6',
  'PNG specification, §7–§11',
])('%s names no page of the repository', (text) => {
  expect(referencesIn(text)).toEqual([])
})

test('a heading gives its number', () => {
  expect([...sectionsOf('## 1. Limits\n### 1.10 Sizes\n## 2026 in short\n## Others\n')]).toEqual(['1', '1.10', '2026'])
})

test.each([
  ['a heading that is missing', 'example §1.3', 'no heading 1.3 in docs/example.md'],
  ['a page that is missing', 'missing §1', 'no heading 1 in docs/missing.md'],
  ['a number without a page', 'Limits (§1).', 'no heading 1 in docs/?.md'],
])('fails on %s', (_, text, breach) => {
  expect(brokenIn(text, 'src/a.ts', root.path)).toEqual([breach])
})

test('accepts a heading that exists, and a bare number in its own page', () => {
  expect(brokenIn('example §1.2 and example.md §1', 'src/a.ts', root.path)).toEqual([])
  expect(brokenIn('see §1.2', 'docs/example.md', root.path)).toEqual([])
})

test('a link leads to a file and a heading', () => {
  const page = join(root.path, 'docs/example.md')
  expect(brokenLinks('[a](example.md#12-post-a-sizes) [b](#1-limits) [c](https://example.com/x#y)', page)).toEqual([])
  expect(brokenLinks('[a](missing.md) [b](example.md#missing)', page)).toEqual([
    '](missing.md) leads to no file',
    '](example.md#missing) leads to no heading',
  ])
})
