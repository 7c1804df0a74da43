import { abortAllDurableObjects, evictAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations } from './support/alarms'
import { openai, post } from './support/gateway'
import { internet } from './support/internet'
import { newIsolate } from './support/settings'
import { atRest } from './support/objects'
import { upstreams } from './support/upstreams'

const { upstream } = upstreams()

const ask = (prompt: string, headers?: Record<string, string>): Promise<Response> =>
  post('/v1/images/generations', { model: 'gpt-image-2', prompt }, headers)

/** The origin of an answer with its images. Throws for a refusal. */
const cacheOf = async (response: Response): Promise<string | null> => {
  const body = await response.text()
  if (response.status !== 200) throw new Error(`${response.status}: ${body}`)
  return response.headers.get('x-cache')
}

const upstreamCalled = (times: number): Promise<boolean> => vi.waitUntil(() => upstream.calls.length === times)

describe('identical requests', () => {
  test('at once share one upstream call and one image', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => openai().images.generate({ model: 'gpt-image-2', prompt: 'A cat @delay=50' })),
    )
    expect(new Set(answers.map(({ data }) => data?.[0]?.b64_json)).size).toBe(1)
    expect(upstream.calls).toHaveLength(1)
  })

  test('mark the first as a MISS and the rest as JOINED', async () => {
    const states = await Promise.all(Array.from({ length: 5 }, async () => cacheOf(await ask('A cat @delay=50'))))
    expect(states.filter((state) => state === 'MISS')).toHaveLength(1)
    expect(states.filter((state) => state === 'JOINED')).toHaveLength(4)
  })

  test('share a failure, which is not stored', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask('A cat @delay=50 @fault=500')))
    expect(answers.map(({ status }) => status)).toEqual([502, 502, 502, 502, 502])
    expect(upstream.calls).toHaveLength(2)
    expect((await ask('A cat @delay=50 @fault=500')).status).toBe(502)
    expect(upstream.calls).toHaveLength(4)
  })

  test('with no-store are made one by one', async () => {
    const headers = { 'cache-control': 'no-store' }
    const states = await Promise.all(
      Array.from({ length: 3 }, async () => cacheOf(await ask('A cat @delay=50', headers))),
    )
    expect(states).toEqual(['BYPASS', 'BYPASS', 'BYPASS'])
    expect(upstream.calls).toHaveLength(3)
  })
})

describe('a client that hangs up', () => {
  test('finds its image on a retry, with one upstream call in all', async () => {
    const client = openai()
    const abort = new AbortController()
    const request = { model: 'gpt-image-2', prompt: 'A cat @delay=300' }
    const first = client.images.generate(request, { signal: abort.signal }).catch((error: unknown) => error)
    await upstreamCalled(1)
    abort.abort()
    expect(await first).toMatchObject({ message: 'Request was aborted.' })
    expect((await client.images.generate(request)).data).toHaveLength(1)
    expect(upstream.calls).toHaveLength(1)
  })
})

describe('a process that dies', () => {
  test('after the answer was made costs nothing: the object has the answer', async () => {
    const response = await ask('A cat')
    expect(await cacheOf(response)).toBe('MISS')
    await env.CACHE.delete(`records/${response.headers.get('x-generation-id')}`)
    newIsolate()
    await abortAllDurableObjects()
    expect(await cacheOf(await ask('A cat'))).toBe('HIT')
    expect(upstream.calls).toHaveLength(1)
  })

  test('after the image was stored, before the whole answer was, costs nothing more', async () => {
    const first = ask('A cat @fault=silence-after-image')
    await vi.waitUntil(async () => (await env.IMAGES.list({ prefix: 'images/' })).objects.length === 1)
    await abortAllDurableObjects()
    expect(await cacheOf(await first)).toBe('MISS')
    expect(await cacheOf(await ask('A cat @fault=silence-after-image'))).toBe('HIT')
    expect(upstream.calls).toHaveLength(1)
  })

  test('in the middle of a run leads to one more attempt, and waiting requests get its image', async () => {
    const first = ask('A cat @delay=300')
    await upstreamCalled(1)
    await abortAllDurableObjects()
    expect((await first).status).toBe(200)
    expect(upstream.calls).toHaveLength(2)
  })

  test('in the middle of a run is found by the heartbeat, without a request', async () => {
    const lost = ask('A cat @delay=200', { 'cache-control': 'no-cache' }).catch(() => {})
    await upstreamCalled(1)
    await abortAllDurableObjects()
    expect(await ringGenerations()).toBe(1)
    await lost
    expect(await cacheOf(await ask('A cat @delay=200'))).toBe('HIT')
    expect(upstream.calls).toHaveLength(2)
  })

  test('twice gets no third attempt for a minute', async () => {
    const first = ask('A cat @fault=silence').then(({ status }) => status)
    await upstreamCalled(1)
    await abortAllDurableObjects()
    await upstreamCalled(2)
    await abortAllDurableObjects()
    expect(await first).toBe(503)
    const again = await ask('A cat @fault=silence')
    expect([again.status, again.headers.get('x-should-retry'), again.headers.get('retry-after')]).toEqual([
      502,
      'false',
      '60',
    ])
    expect(upstream.calls).toHaveLength(2)
  })

  test('during a run for one caller alone costs nothing after that caller left', async () => {
    const abort = new AbortController()
    const request = { model: 'gpt-image-2', prompt: 'A cat @delay=300' }
    const options = { signal: abort.signal, headers: { 'cache-control': 'no-store' } }
    const gone = openai()
      .images.generate(request, options)
      .catch(() => {})
    await upstreamCalled(1)
    abort.abort()
    await gone
    await abortAllDurableObjects()
    await ringGenerations()
    await ringGenerations()
    expect(upstream.calls).toHaveLength(1)
  })
})

describe('R2 in trouble', () => {
  test('for a moment costs only that moment', async () => {
    vi.spyOn(env.IMAGES, 'put').mockRejectedValueOnce(new Error('put: internal error (10001)'))
    expect(await cacheOf(await ask('A cat'))).toBe('MISS')
    expect(upstream.calls).toHaveLength(1)
  })

  test('for longer fails the request with a 503 without a retry, since a retry may be billed', async () => {
    vi.spyOn(env.IMAGES, 'put').mockRejectedValue(new Error('put: internal error (10001)'))
    const response = await ask('A cat')
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([503, 'false'])
    expect((await env.CACHE.list()).keys).toEqual([])
  })

  test('during the read of an answer is a 503 as well', async () => {
    await cacheOf(await ask('A cat'))
    vi.spyOn(env.IMAGES, 'get').mockRejectedValue(new Error('get: internal error (10001)'))
    const response = await ask('A cat')
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2'])
  })
})

describe('KV in trouble', () => {
  test('is a miss, and the image is delivered all the same', async () => {
    vi.spyOn(env.CACHE, 'get').mockRejectedValue(new Error('KV GET failed: 500'))
    vi.spyOn(env.CACHE, 'put').mockRejectedValue(new Error('KV PUT failed: 429'))
    expect(await cacheOf(await ask('A cat'))).toBe('MISS')
    newIsolate()
    expect(await cacheOf(await ask('A cat'))).toBe('HIT')
    expect(upstream.calls).toHaveLength(1)
  })
})

describe('an object', () => {
  test('gives its answer for the life of the cache, and then is empty', async () => {
    await cacheOf(await ask('A cat'))
    await atRest()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 86_400_001 })
    expect(await ringGenerations()).toBe(1)
    expect(await ringGenerations()).toBe(0)
  })

  test('rings its alarm during a run and stops at its end', async () => {
    const answer = ask('A cat @delay=200')
    await upstreamCalled(1)
    expect(await ringGenerations()).toBe(1)
    expect(await cacheOf(await answer)).toBe('MISS')
    expect(upstream.calls).toHaveLength(1)
  })

  test('leaves nothing behind after a failure', async () => {
    expect((await ask('A cat @fault=500')).status).toBe(502)
    await evictAllDurableObjects()
    expect(await ringGenerations()).toBe(0)
  })

  test('keeps the earlier answer after a failed renewal', async () => {
    await cacheOf(await ask('A cat'))
    internet({ 'api.openai.com': { handle: () => new Response('out of order', { status: 500 }) } })
    expect((await ask('A cat', { 'cache-control': 'no-cache' })).status).toBe(502)
    expect(await cacheOf(await ask('A cat'))).toBe('HIT')
  })
})
