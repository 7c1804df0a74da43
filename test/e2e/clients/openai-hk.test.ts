import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { OpenAI } from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodePng, decoded, fetched, pngFile, sha256OfFile } from '../support/pictures.ts'
import { served } from '../support/served.ts'
import { FILES, IMAGE_EDIT, TEXT_TO_IMAGE } from './tutorials/openai-hk.ts'

const running = served()
let directory: string
let files: File[]

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'openai-hk-'))
  files = await Promise.all(FILES.map((name) => pngFile(name, name, 20_000)))
  for (const file of files) await writeFile(join(directory, file.name), await file.bytes())
})
afterAll(() => rm(directory, { recursive: true }))

/** The output of a curl line after a change of address and key. */
async function printed(line: string, key = running.gateway.key): Promise<string> {
  const { origin } = new URL(running.gateway.baseUrl)
  const exchanged = line.replace('https://api.openai-hk.com', origin).replace('hk-替换为你的key', key)
  return (await promisify(execFile)('bash', ['-c', exchanged], { cwd: directory })).stdout
}

const answerTo = async (line: string): Promise<OpenAI.ImagesResponse> => JSON.parse(await printed(line))

async function errorIn(line: string, key?: string): Promise<unknown> {
  const { error }: { error: unknown } = JSON.parse(await printed(line, key))
  return error
}

test('the curl line of protocols §9.5 for a picture prints all that the tutorial shows', async () => {
  const answer = await answerTo(TEXT_TO_IMAGE)
  expect(answer.usage).toMatchObject({
    input_tokens: 5,
    input_tokens_details: { image_tokens: 0, text_tokens: 5 },
    output_tokens: 196,
    total_tokens: 201,
  })
  expect(decoded(answer).map(decodePng)).toEqual([{ width: 16, height: 16 }])
  expect(await fetched(answer)).toEqual(decoded(answer))
  expect(await running.upstream.callsFor('a white siamese cat')).toHaveLength(1)
})

test('the curl line for an edit sends its four files', async () => {
  const answer = await answerTo(IMAGE_EDIT)
  expect((await fetched(answer)).map(decodePng)).toEqual([{ width: 16, height: 16 }])
  const [call] = (await running.upstream.calls()).filter(({ path }) => path === '/v1/images/edits')
  expect(call?.files.map(({ sha256 }) => sha256)).toEqual(await Promise.all(files.map(sha256OfFile)))
  expect(call?.fields['prompt']).toContain('labeled "Relax & Unwind" with a ribbon')
})

test('a refusal is printed as the API prints it', async () => {
  const line = TEXT_TO_IMAGE.replace('1024x1024', '1000x1')
  expect(await errorIn(line)).toMatchObject({ param: 'size', code: 'invalid_value' })
})

test('a wrong key is printed as the API prints it', async () => {
  expect(await errorIn(TEXT_TO_IMAGE, 'hk-wrong')).toMatchObject({ code: 'invalid_api_key' })
})

test('a limit is printed as the API prints it', async () => {
  const key = await running.operator.team('openai-hk', { requests_per_minute: 1 })
  const line = (prompt: string): string => TEXT_TO_IMAGE.replace('a white siamese cat', prompt)
  expect(await errorIn(line('a first cat'), key)).toBeUndefined()
  expect(await errorIn(line('a second cat'), key)).toMatchObject({ type: 'requests', code: 'rate_limit_exceeded' })
  expect(await running.upstream.callsFor('a second cat')).toEqual([])
})
