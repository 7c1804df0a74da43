import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const WORKFLOWS = join(import.meta.dirname, '../../.github/workflows')

test('every action of a workflow is pinned to a full commit SHA, with its version beside it', async () => {
  const texts = (await readdir(WORKFLOWS)).map((name) => readFile(join(WORKFLOWS, name), 'utf8'))
  const uses = Array.from((await Promise.all(texts)).join('\n').matchAll(/uses: (.+)/g), ([, action = '']) => action)
  expect(uses.length).toBeGreaterThan(0)
  expect(uses.filter((action) => !/^[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action))).toEqual([])
})
