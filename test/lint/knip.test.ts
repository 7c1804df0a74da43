import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { sourceTree } from './source-tree.ts'

const KNIP = resolve('node_modules/knip/bin/knip.js')

test('knip fails on an unused export and an unused file', () => {
  using root = sourceTree({
    'package.json': '{ "name": "example", "main": "index.ts" }',
    'index.ts': "import { used } from './other'\nconsole.log(used)\n",
    'other.ts': 'export const used = 1\nexport const idle = 2\n',
    'alone.ts': 'export const alone = 3\n',
  })
  const { status, stdout } = spawnSync(process.execPath, [KNIP, '--directory', root.path, '--no-progress'], {
    encoding: 'utf8',
  })
  expect(status).toBe(1)
  expect(stdout).toContain('idle')
  expect(stdout).toContain('alone.ts')
  expect(stdout).not.toMatch(/\bused\b/)
})
