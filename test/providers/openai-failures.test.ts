import { env } from 'cloudflare:workers'
import { OpenAI } from 'openai'
import { describe, expect, test, vi } from 'vitest'
import { FakeOpenai } from '../support/fake-openai'
import { openai, post } from '../support/gateway'
import { internet } from '../support/internet'
import { cancel, job } from '../support/jobs'
import { team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream, relay } = upstreams()

const generate = (prompt: string, model = 'gpt-image-2', n = 1) => openai().images.generate({ model, prompt, n })
const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  )

describe('when the upstream', () => {
  const { BadRequestError, InternalServerError } = OpenAI
  test.each([
    ['breaks off in the middle', 'cut', InternalServerError, { status: 502 }, 2],
    ['answers with a web page', 'html', InternalServerError, { status: 502 }, 1],
    ['puts an error into a good answer', 'error-inside', InternalServerError, { status: 502 }, 2],
    ['sends base64 that does not decode', 'bad-base64', InternalServerError, { status: 502 }, 2],
    ['sends something that is no image', 'not-an-image', InternalServerError, { status: 502 }, 2],
    ['sends no image', 'empty', InternalServerError, { status: 502 }, 1],
    ['is at its rate limit', '429', InternalServerError, { status: 503 }, 1],
    ['has no credit left', 'quota', InternalServerError, { status: 503 }, 1],
    ['has no credit left, with status 400', 'billing', InternalServerError, { status: 503 }, 1],
    ['fails', '500', InternalServerError, { status: 502 }, 2],
    ['is overloaded', '503', InternalServerError, { status: 502 }, 2],
    ['rejects the key', '401', InternalServerError, { status: 503 }, 1],
    ['forbids the organisation the model', '403', InternalServerError, { status: 503 }, 1],
    ['redirects the request', 'redirect', InternalServerError, { status: 502 }, 2],
    [
      'refuses the content',
      'moderation',
      BadRequestError,
      { status: 400, code: 'moderation_blocked', type: 'image_generation_user_error' },
      1,
    ],
    ['refuses the request', '422', BadRequestError, { status: 400 }, 1],
  ])('%s, the client gets the right error and nothing is cached', async (_, fault, type, facts, calls) => {
    const error = await thrown(generate(`A cat @fault=${fault}`))
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject(facts)
    expect(upstream.calls).toHaveLength(calls)
    expect((await env.CACHE.list()).keys).toEqual([])
  })

  test.each([
    ['never answers', 'silence'],
    ['falls silent in the middle', 'silence-mid-body'],
  ])('%s, the client gets a timeout without a retry', async (_, fault) => {
    const error = await thrown(
      openai({ maxRetries: 2 }).images.generate({ model: 'impatient', prompt: `A cat @fault=${fault}` }),
    )
    expect(error).toBeInstanceOf(InternalServerError)
    expect(error).toMatchObject({ status: 504 })
    expect(relay.calls).toHaveLength(1)
    expect((await env.CACHE.list()).keys).toEqual([])
  })

  test.each([['cut'], ['bad-base64'], ['not-an-image']])(
    'loses a paid image once (%s), it is made once more',
    async (fault) => {
      expect((await generate(`A cat @once=${fault}`)).data).toHaveLength(1)
      expect(upstream.calls).toHaveLength(2)
    },
  )

  test('names a URL that is gone, the image is lost', async () => {
    expect(await thrown(generate('A cat @as=url-gone', 'relay-1'))).toMatchObject({ status: 502 })
  })

  test.each([
    ['429', '2', '1500'],
    ['429-text', '12', '12000'],
  ])('is at its rate limit (%s), the client gets its wait', async (fault, seconds, milliseconds) => {
    const response = await post('/v1/images/generations', { model: 'gpt-image-2', prompt: `A cat @fault=${fault}` })
    expect([response.headers.get('retry-after'), response.headers.get('retry-after-ms')]).toEqual([
      seconds,
      milliseconds,
    ])
  })

  test.each([['Infinity'], [''], ['soon'], ['-5']])(
    'names no sensible wait (%j), the client gets a default',
    async (wait) => {
      const headers = { 'retry-after-ms': wait, 'retry-after': '3' }
      internet({
        'api.openai.com': {
          handle: () => Response.json({ error: { message: 'Slow down.' } }, { status: 429, headers }),
        },
      })
      const response = await post('/v1/images/generations', { model: 'gpt-image-2', prompt: 'A cat' })
      expect([response.headers.get('retry-after'), response.headers.get('retry-after-ms')]).toEqual(['3', '3000'])
    },
  )

  test.each([
    ['Please try again in 7m12s.', '432000'],
    ['Try again in 0h1m0.5s', '60500'],
    ['Retry after 5', '5000'],
    ['Please retry after 26 milliseconds.', '26'],
    ['Try Again In 2 minutes and more', '120000'],
    ['Please try again in 7h12m0s.', '3600000'],
  ])('names a wait in its sentence (%s), the client gets that wait', async (words, milliseconds) => {
    internet({ 'api.openai.com': { handle: () => Response.json({ error: { message: words } }, { status: 429 }) } })
    const response = await post('/v1/images/generations', { model: 'gpt-image-2', prompt: 'A cat' })
    expect(response.headers.get('retry-after-ms')).toBe(milliseconds)
  })

  test('is cancelled while its image is stored, the late image is removed', async () => {
    const { key } = await team('acme')
    const put = env.IMAGES.put.bind(env.IMAGES)
    const { promise: late, resolve: write } = Promise.withResolvers<void>()
    const storing = vi.spyOn(env.IMAGES, 'put').mockImplementationOnce(async (...args: Parameters<typeof put>) => {
      await late
      return await put(...args)
    })
    const id = await job(key)
    await vi.waitUntil(() => storing.mock.calls.length === 1)
    expect((await cancel(key, id)).status).toBe(200)
    const removed = vi.spyOn(env.IMAGES, 'delete')
    write()
    await vi.waitUntil(() => removed.mock.calls.length > 0)
    await vi.waitUntil(async () => (await env.IMAGES.list({ prefix: 'images/' })).objects.length === 0)
  })

  test('repeats the key and its organisation in a refusal, neither reaches the client', async () => {
    const error = await thrown(generate('A cat @fault=leak'))
    expect(error).toBeInstanceOf(BadRequestError)
    expect(JSON.stringify(error) + String(error)).not.toMatch(/sk-upstream-secret|org-secret123/)
  })

  test('repeats the key beyond the cut, no part of it reaches the client', async () => {
    const message = `${'x'.repeat(490)} sk-upstream-secret`
    const error = {
      message,
      type: 'invalid_request_error',
      param: 'p sk-upstream-secret',
      code: 'bad sk-upstream-secret',
    }
    internet({ 'api.openai.com': { handle: () => Response.json({ error }, { status: 400 }) } })
    const response = await post('/v1/images/generations', { model: 'gpt-image-2', prompt: 'A cat' })
    expect([response.status, await response.text()]).toEqual([400, expect.not.stringMatching(/sk-up/)])
  })

  test('is silent after it took the request, at most one other account is called', async () => {
    const calls: string[] = []
    const hosts = ['first.example.com', 'second.example.com'].map((host) => [host, { handle: silentAfterHead(calls) }])
    internet(Object.fromEntries(hosts))
    const response = await post('/v1/images/generations', { model: 'slow', prompt: 'A cat' })
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([504, 'false'])
    expect([calls.length, new Set(calls).size]).toEqual([2, 2])
  })

  test('refuses the content, it is not called again for a minute, and then it is', async () => {
    await thrown(generate('A cat @fault=moderation'))
    await thrown(generate('A cat @fault=moderation'))
    expect(upstream.calls).toHaveLength(1)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_001 })
    await thrown(generate('A cat @fault=moderation'))
    vi.useRealTimers()
    expect(upstream.calls).toHaveLength(2)
  })
})

describe('with several upstreams for a model', () => {
  test.each([
    ['is out of order', '500'],
    ['is at its limit', '429'],
    ['has no credit', 'quota'],
    ['does not answer in JSON', 'html'],
  ])('the next one serves when the first one %s', async (_, fault) => {
    const second = new FakeOpenai({ apiKey: 'sk-second-secret' })
    internet({
      'first.example.com': new FakeOpenai({ apiKey: 'sk-first-secret' }),
      'second.example.com': faultless(second),
    })
    const response = await post('/v1/images/generations', { model: 'pair', prompt: `A cat @fault=${fault}` })
    expect([response.status, response.headers.get('x-upstream'), response.headers.get('x-model')]).toEqual([
      200,
      'second',
      'relay-2',
    ])
    expect(second.calls[0]?.fields['model']).toBe('relay-2')
  })

  test('the next account of the same upstream serves when the first one is refused', async () => {
    const third = new FakeOpenai({ apiKey: 'sk-third-secret' })
    internet({ 'second.example.com': third })
    vi.spyOn(Math, 'random').mockReturnValue(0)
    expect((await generate('A cat', 'pair')).data).toHaveLength(1)
    expect(third.calls.map(({ outcome }) => outcome)).toEqual(['refused:401:invalid_api_key', 'answered'])
  })

  test('none is called after a content refusal', async () => {
    const second = new FakeOpenai({ apiKey: 'sk-second-secret' })
    internet({ 'first.example.com': new FakeOpenai({ apiKey: 'sk-first-secret' }), 'second.example.com': second })
    expect(await thrown(generate('A cat @fault=moderation', 'pair'))).toBeInstanceOf(OpenAI.BadRequestError)
    expect(second.calls).toEqual([])
  })
})

/** An upstream that takes the request, records its key, and is silent. */
const silentAfterHead =
  (calls: string[]) =>
  (request: Request): Response => {
    calls.push(request.headers.get('authorization') ?? '')
    return new Response(new ReadableStream({ pull: () => new Promise(() => {}) }), {
      headers: { 'content-type': 'application/json' },
    })
  }

/** The same upstream with the faults of a prompt left out. */
const faultless = (fake: FakeOpenai): { handle: (request: Request) => Promise<Response> } => ({
  handle: async (request) => {
    const body = (await request.text()).replace(/ @fault=[\w-]+/, '')
    return await fake.handle(new Request(request.url, { method: 'POST', headers: request.headers, body }))
  },
})
