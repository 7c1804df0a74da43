import { spawnSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const KNIP = resolve('node_modules/knip/bin/knip.js')

test('knip fails on an unused export and an unused file', () => {
  const root = mkdtempSync(join(tmpdir(), 'knip-'))
  writeFileSync(join(root, 'package.json'), '{ "name": "example", "main": "index.ts" }')
  writeFileSync(join(root, 'index.ts'), "import { used } from './other'\nconsole.log(used)\n")
  writeFileSync(join(root, 'other.ts'), 'export const used = 1\nexport const idle = 2\n')
  writeFileSync(join(root, 'alone.ts'), 'export const alone = 3\n')
  const { status, stdout } = spawnSync(process.execPath, [KNIP, '--directory', root, '--no-progress'], {
    encoding: 'utf8',
  })
  expect(status).toBe(1)
  expect(stdout).toContain('idle')
  expect(stdout).toContain('alone.ts')
  expect(stdout).not.toMatch(/\bused\b/)
})
