import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { sourceTree } from './source-tree.ts'

/** The output of oxlint on one file of src with the settings of this repository. */
function lint(text: string): string {
  // Rules that need types would need a project.
  const settings = readFileSync('.oxlintrc.json', 'utf8').replace('"typeAware": true', '"typeAware": false')
  using root = sourceTree({ '.oxlintrc.json': settings, 'src/example.ts': text })
  const oxlint = resolve('node_modules/.bin/oxlint')
  const { stdout, stderr } = spawnSync(oxlint, ['--deny-warnings'], { cwd: root.path, encoding: 'utf8' })
  return stdout + stderr
}

const functionOf = (lines: number): string =>
  `export function example(): void {\n${'  console.log(1)\n'.repeat(lines - 2)}}\n`

test('a function of src has at most 40 lines', () => {
  expect(lint(functionOf(41))).toContain('max-lines-per-function')
  expect(lint(functionOf(40))).not.toContain('max-lines')
})

test('a file of src has at most 250 lines', () => {
  expect(lint('export {}\n'.repeat(251))).toContain('max-lines')
  expect(lint('export {}\n'.repeat(250))).not.toContain('max-lines')
})
