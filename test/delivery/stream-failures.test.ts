import { env } from 'cloudflare:workers'
import { OpenAI } from 'openai'
import { describe, expect, test, vi } from 'vitest'
import { SteppedUpstream } from '../support/stepped-upstream'
import { begin, collect, OPERATIONS, watch, words } from '../support/streams'
import { audit, used } from '../support/accounting'
import { KEY, openai, post } from '../support/gateway'
import { CAT, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const LOST = 'The upstream may have made the image, but its answer could not be read. Try again later.'
const FAILED = 'The upstream failed to make the image. Try again.'

describe.each(OPERATIONS)('before the first event of an %s, a stream fails', (operation) => {
  test.each([
    ['429', OpenAI.InternalServerError, 503],
    ['moderation', OpenAI.BadRequestError, 400],
    ['500', OpenAI.InternalServerError, 502],
    ['quota', OpenAI.InternalServerError, 503],
  ])('with a status of its own (@fault=%s)', async (fault, kind, status) => {
    const { events, ended } = watch(begin(operation, { prompt: `A cat @fault=${fault}`, partial_images: 2 }))
    const error = await ended
    expect(error).toBeInstanceOf(kind)
    expect(error).toMatchObject({ status, requestID: expect.stringMatching(/^req_/) })
    expect(events).toEqual([])
  })

  test.each([
    ['a parameter', { prompt: 'A cat', partial_images: 4 }, 'partial_images'],
    ['an empty prompt', { prompt: '' }, 'prompt'],
  ])('as a bad request with %s', async (_, wanted, param) => {
    expect(await watch(begin(operation, wanted)).ended).toMatchObject({ status: 400, param })
    expect(upstream.calls).toHaveLength(0)
  })
})

describe.each(OPERATIONS)('in the middle of an %s, a stream', (operation) => {
  test.each([
    ['error-inside', FAILED, '0 1'],
    ['cut', LOST, '0 1'],
    ['bad-base64', LOST, '0 1'],
  ])("ends with the client's own error (@fault=%s)", async (fault, message, seen) => {
    const { events, ended } = watch(begin(operation, { prompt: `A cat @fault=${fault}`, partial_images: 2 }))
    const error = await ended
    expect(error).toBeInstanceOf(OpenAI.APIError)
    expect(error).toMatchObject({ message, type: 'server_error', error: { message } })
    expect(words(events)).toBe(seen)
  })

  test('skips a preview that is no image', async () => {
    const events = await collect(begin(operation, { prompt: 'A cat @fault=bad-partial', partial_images: 3 }))
    expect(words(events)).toBe('1 2 done')
  })

  test('goes on with the next attempt, with no more previews than requested', async () => {
    const events = await collect(begin(operation, { prompt: 'A cat @once=cut', partial_images: 2 }))
    expect(words(events)).toBe('0 1 done')
    expect(upstream.calls).toHaveLength(2)
  })
})

test("a failure in the middle has the API's error event", async () => {
  const body = { ...CAT, prompt: 'A cat @fault=error-inside', stream: true, partial_images: 1, response_format: null }
  const response = await post('/v1/images/generations', body, { authorization: `Bearer ${KEY}` })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  const error = { message: FAILED, type: 'server_error', param: null, code: null }
  expect((await response.text()).split('\n\n').slice(1)).toEqual([
    `event: error\ndata: ${JSON.stringify({ error })}`,
    '',
  ])
})

test('a failed stream reports its error to every client, and the next request makes the image again', async () => {
  const gate = new SteppedUpstream(upstream, 1)
  const ask = (prompt = 'A cat @fault=error-inside'): ReturnType<typeof begin> =>
    begin('generation', { prompt, partial_images: 1 })
  const first = watch(ask())
  await vi.waitUntil(() => first.events.length === 1)
  const late = watch(ask())
  await vi.waitUntil(() => late.events.length === 1)
  gate.open()
  expect([await first.ended, await late.ended]).toMatchObject([{ message: FAILED }, { message: FAILED }])
  const calls = upstream.calls.length
  await watch(ask()).ended
  expect(upstream.calls.length).toBeGreaterThan(calls)
})

test('a stream that fails in the middle costs nothing', async () => {
  const { key } = await team('acme', { budget_usd: 10 })
  const client = openai({ apiKey: key })
  await watch(begin('generation', { prompt: 'A cat @fault=error-inside', partial_images: 3 }, { client })).ended
  expect([await used('acme'), await audit('acme')]).toMatchObject([0, [{ status: 'failed', cost_usd: 0, images: [] }]])
})

test('a stream goes on without previews that R2 does not return', async () => {
  const get = env.IMAGES.get.bind(env.IMAGES)
  vi.spyOn(env.IMAGES, 'get').mockImplementation(async (key: string) => {
    if (key.startsWith('partials/')) throw new Error('get: internal error (10001)')
    return await get(key)
  })
  expect(words(await collect(begin('generation', { prompt: 'A cat', partial_images: 2 })))).toBe('done')
})

test('a stream goes on without previews that R2 does not store', async () => {
  const put = env.IMAGES.put.bind(env.IMAGES)
  vi.spyOn(env.IMAGES, 'put').mockImplementation(async (key, ...more) => {
    if (key.startsWith('partials/')) throw new Error('put: internal error (10001)')
    return await put(key, ...more)
  })
  expect(words(await collect(begin('generation', { prompt: 'A cat', partial_images: 2 })))).toBe('done')
})
