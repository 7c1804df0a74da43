import { execFile } from 'node:child_process'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { OpenAI } from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Started, clone, npmStart } from './support/npm-start.ts'
import { decodePng, pngFile } from './support/pictures.ts'

let directory: string
let gateway: Started

beforeAll(async () => {
  directory = await clone()
  gateway = await npmStart(directory)
})
afterAll(async () => {
  await gateway?.stop()
  await rm(directory, { recursive: true })
})

/** Runs the suggested command. */
const suggested = ({ suggestion }: Started): Promise<unknown> =>
  promisify(execFile)('bash', ['-c', suggestion], { cwd: directory })

const picture = (): Promise<Buffer> => readFile(join(directory, 'demo.png'))

test('a fresh clone prints its URL first and no warning', async () => {
  // npm prints the script's name and command first.
  const words = gateway.said.input.replace(/^(?:> .*)?\n/gm, '')
  expect(words).toMatch(/^ *URL {2}http:\/\/localhost:\d+\/v1\n/)
  expect(words).not.toMatch(/warning|Request\.cf/i)
})

test('the suggested command of a fresh clone writes a picture that decodes', async () => {
  await suggested(gateway)
  expect(decodePng(await picture())).toEqual({ width: 1024, height: 1024 })
})

test('an upload above the limit is refused with status 413', async () => {
  const image = await Promise.all(['a', 'b', 'c'].map((seed) => pngFile(`${seed}.png`, seed, 40_000_000)))
  const client = new OpenAI({ baseURL: gateway.baseUrl, apiKey: gateway.key, maxRetries: 0 })
  const edit = client.images.edit({ model: 'gpt-image-2', prompt: 'Paint them blue', image })
  await expect(edit).rejects.toMatchObject({ status: 413, code: 'request_too_large' })
})

test('a second start has the key and the pictures of the first', async () => {
  const first = gateway
  await suggested(first)
  const before = await picture()
  await first.kill()
  gateway = await npmStart(directory)
  expect(gateway.key).toBe(first.key)
  const body = JSON.stringify({ model: 'gpt-image-2', prompt: 'A lighthouse at dusk', response_format: 'b64_json' })
  const headers = { authorization: `Bearer ${first.key}`, 'content-type': 'application/json' }
  const again = await fetch(`${gateway.baseUrl}/images/generations`, { method: 'POST', headers, body })
  expect(again.headers.get('x-cache')).toBe('HIT')
  expect(await again.text()).toContain(before.toString('base64'))
})
