import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { STATUS } from '../../src/failures/errors'

test('docs/api.md has every code of a failure, with its status', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/api.md'), 'utf8')
  const rows = page.matchAll(/^\| `(\w+)` +\| (\d{3}) /gm)
  const documented = Object.fromEntries(Array.from(rows, ([, code = '', status]) => [code, Number(status)]))
  expect(documented).toEqual(STATUS)
})
