import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Gateway, startGateway } from './support/gateway.ts'
import { decodePng } from './support/pictures.ts'

let gateway: Gateway

beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(async () => {
  await gateway?.stop()
})

test('the command that a fresh clone suggests on its first start writes a picture that decodes', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'darkroom-demo-'))
  try {
    await promisify(execFile)('bash', ['-c', gateway.suggestion], { cwd: directory })
    expect(decodePng(await readFile(join(directory, 'demo.png')))).toEqual({ width: 1024, height: 1024 })
  } finally {
    await rm(directory, { recursive: true })
  }
})
