import { once } from 'node:events'
import { createServer } from 'node:net'
import { type ClientOptions, OpenAI } from 'openai'
import { expect, test, vi } from 'vitest'

import { served } from './support/served.ts'

const running = served()

/** The SDK's error of a request that must fail. */
async function failureOf(
  request: Partial<OpenAI.ImageGenerateParamsNonStreaming>,
  client?: ClientOptions,
): Promise<unknown> {
  const images = running.gateway.sdk(client).images
  return await images.generate({ model: 'gpt-image-2', prompt: 'A kite', ...request }).then(
    (answer) => expect.fail(`this succeeded: ${JSON.stringify(answer).slice(0, 200)}`),
    (error: unknown) => error,
  )
}

test.each([
  ['a size that no model makes', { size: '10x10' }, { param: 'size', code: 'invalid_value' }],
  ['an unknown model', { model: 'no-such-model' }, { param: 'model', code: 'invalid_value' }],
  ['an empty prompt', { prompt: '' }, { param: 'prompt', code: 'empty_string' }],
  ['n = 11', { n: 11 }, { param: 'n', code: 'integer_above_max_value' }],
  ['a prompt that the upstream blocks', { prompt: 'A fight @fault=moderation' }, { code: 'moderation_blocked' }],
])('%s is a BadRequestError', async (_, request, details) => {
  const error = await failureOf(request)
  expect(error).toBeInstanceOf(OpenAI.BadRequestError)
  expect(error).toMatchObject({ status: 400, ...details })
})

test('a file that is no image is a BadRequestError', async () => {
  const image = new File(['no image'], 'image.png', { type: 'image/png' })
  const edit = running.gateway.sdk().images.edit({ model: 'gpt-image-2', prompt: 'Paint it blue', image })
  await expect(edit).rejects.toBeInstanceOf(OpenAI.BadRequestError)
  await expect(edit).rejects.toMatchObject({ status: 400, code: 'invalid_image_file' })
})

test('a wrong key is an AuthenticationError', async () => {
  const error = await failureOf({}, { apiKey: 'sk-dr-default-wrong' })
  expect(error).toBeInstanceOf(OpenAI.AuthenticationError)
  expect(error).toMatchObject({ status: 401, code: 'invalid_api_key' })
})

test('a path that does not exist is a NotFoundError', async () => {
  const error = await failureOf({}, { baseURL: `${running.gateway.baseUrl}/v7` })
  expect(error).toBeInstanceOf(OpenAI.NotFoundError)
  expect(error).toMatchObject({ status: 404 })
})

test('a rate limit of the upstream is an InternalServerError that says how long to wait', async () => {
  const error = await failureOf({ prompt: 'A kite too many @fault=429' })
  expect(error).toMatchObject({ status: 503, code: 'server_is_overloaded' })
  expect(error instanceof OpenAI.InternalServerError && error.headers.get('retry-after-ms')).toBe('1500')
})

test('a closed port is an APIConnectionError', async () => {
  expect(await failureOf({}, { baseURL: `http://127.0.0.1:${await closedPort()}/v1` })).toBeInstanceOf(
    OpenAI.APIConnectionError,
  )
})

test("an answer that takes longer than the client's timeout is an APIConnectionTimeoutError", async () => {
  const error = await failureOf({ prompt: 'A slow kite @delay=3000' }, { timeout: 500 })
  expect(error).toBeInstanceOf(OpenAI.APIConnectionTimeoutError)
})

test('a request that its caller takes back is an APIUserAbortError', async () => {
  const controller = new AbortController()
  const request = { model: 'gpt-image-2', prompt: 'A kite taken back @delay=3000' }
  const generation = running.gateway.sdk().images.generate(request, { signal: controller.signal })
  setTimeout(() => controller.abort(), 500)
  await expect(generation).rejects.toBeInstanceOf(OpenAI.APIUserAbortError)
})

const server = { error: OpenAI.InternalServerError, status: 502 }
const timedOut = { error: OpenAI.InternalServerError, status: 504 }
const outOfReach = { error: OpenAI.InternalServerError, status: 503 }

/** A lost answer and a transient failure lead to a second call. */
test.each([
  { fault: 'cut', ...server, calls: 2 },
  { fault: 'bad-base64', ...server, calls: 2 },
  { fault: 'not-an-image', ...server, calls: 2 },
  { fault: 'html', ...server, calls: 1 },
  { fault: 'error-inside', ...server, calls: 2 },
  { fault: 'empty', ...server, calls: 1 },
  { fault: '500', ...server, calls: 2 },
  { fault: '503', ...server, calls: 2 },
  { fault: 'redirect', ...server, calls: 2 },
  { fault: '429', ...outOfReach, calls: 1 },
  { fault: '401', ...outOfReach, calls: 1 },
  { fault: 'quota', ...outOfReach, calls: 1 },
  { fault: 'silence', model: 'impatient', ...timedOut, calls: 1 },
  { fault: 'silence-mid-body', model: 'impatient', ...timedOut, calls: 1 },
])('an upstream with the fault $fault gives status $status, and serves again once it is switched on', async (row) => {
  const { fault, error, status, calls } = row
  const model = 'model' in row ? row.model : 'gpt-image-2'
  const prompt = `A kite @fault=${fault}`
  for (const times of [1, 2]) {
    await running.operator.putBack('fake', 'impatient')
    const thrown = await failureOf({ model, prompt })
    expect(thrown).toBeInstanceOf(error)
    expect(thrown).toMatchObject({ status })
    expect(await running.upstream.callsFor(prompt)).toHaveLength(calls * times)
  }
})

test.each(['html', 'error-inside', 'empty', '500', '429', 'silence'])(
  'after the fault %s the same request gets its image',
  async (fault) => {
    // An answer that cannot be used has no second call.
    const isRetried = ['error-inside', '500'].includes(fault)
    const prompt = `A red kite @${isRetried ? 'twice' : 'once'}=${fault}`
    const request = { model: fault === 'silence' ? 'impatient' : 'gpt-image-2', prompt }
    await failureOf(request)
    await running.operator.putBack('fake', 'impatient')
    const { response, data } = await running.gateway.sdk().images.generate(request).withResponse()
    expect(response.headers.get('x-cache')).toBe('MISS')
    expect(data.data).toHaveLength(1)
    expect(await running.upstream.callsFor(request.prompt)).toHaveLength(isRetried ? 3 : 2)
  },
)

test.each(['cut', 'bad-base64', 'not-an-image'])(
  'an answer lost to the fault %s leads to a second call',
  async (fault) => {
    const prompt = `A green kite @once=${fault}`
    const answer = await running.gateway.sdk().images.generate({ model: 'gpt-image-2', prompt })
    expect(answer.data).toHaveLength(1)
    expect(await running.upstream.callsFor(prompt)).toHaveLength(2)
  },
)

test('an upstream that is silent past its timeout is hung up on', async () => {
  const prompt = 'A blue kite @fault=silence'
  await failureOf({ model: 'impatient', prompt })
  await vi.waitFor(
    async () => expect((await running.upstream.callsFor(prompt)).map(({ outcome }) => outcome)).toEqual(['aborted']),
    { timeout: 60_000 },
  )
})

test('an unreachable upstream is an InternalServerError with status 502', async () => {
  const error = await failureOf({ model: 'absent' })
  expect(error).toBeInstanceOf(OpenAI.InternalServerError)
  expect(error).toMatchObject({ status: 502 })
})

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : Number.NaN
}
