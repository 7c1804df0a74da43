import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

/** The output of oxlint on one file of src with the settings of this repository. */
function lint(text: string): string {
  const root = mkdtempSync(join(tmpdir(), 'sizes-'))
  mkdirSync(join(root, 'src'))
  // Rules that need types would need a project.
  const settings = readFileSync('.oxlintrc.json', 'utf8').replace('"typeAware": true', '"typeAware": false')
  writeFileSync(join(root, '.oxlintrc.json'), settings)
  writeFileSync(join(root, 'src/example.ts'), text)
  const oxlint = resolve('node_modules/.bin/oxlint')
  const { stdout, stderr } = spawnSync(oxlint, ['--deny-warnings'], { cwd: root, encoding: 'utf8' })
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
