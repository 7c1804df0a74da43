import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { knock } from './support/gateway'
import { newIsolate } from './support/settings'
import { ask, team, visit, withPictures } from './support/teams'
import { upstreams } from './support/upstreams'

const { upstream } = upstreams()

const NO_CACHE = { 'cache-control': 'no-cache' }

/** The origin of the answer to a request, and its link. */
async function answerTo(key: string, headers: Record<string, string> = {}): Promise<[string | null, string]> {
  const response = await ask(key, {}, headers)
  const { data } = await response.json<{ data: { url: string }[] }>()
  return [response.headers.get('x-cache'), data[0]?.url ?? '']
}

const cacheOf = async (key: string): Promise<string | null> => (await answerTo(key))[0]

/** Has KV lag behind: reads go on, and changes do not arrive. */
function freezeKv(): void {
  vi.spyOn(env.CACHE, 'put').mockImplementation(async () => {})
  vi.spyOn(env.CACHE, 'delete').mockImplementation(async () => {})
}

/** Holds the next read of KV with its result until `release`. */
function holdRead(): { begun: () => boolean; release: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const { CACHE } = env
  const usual = CACHE.get.bind(CACHE)
  const spy = vi.spyOn(CACHE, 'get').mockImplementationOnce(async (...given: unknown[]) => {
    const found = Reflect.apply(usual, CACHE, given)
    await Promise.all([found, promise])
    return await found
  })
  return { begun: () => spy.mock.calls.length > 0, release: resolve }
}

describe('an isolate', () => {
  test('reads the record of an answer from KV once a second at most', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    const { key } = await withPictures(1)
    newIsolate()
    const get = vi.spyOn(env.CACHE, 'get')
    expect([await cacheOf(key), await cacheOf(key), get.mock.calls.length]).toEqual(['HIT', 'HIT', 1])
    vi.setSystemTime(Date.now() + 999)
    expect([await cacheOf(key), get.mock.calls.length]).toEqual(['HIT', 1])
    vi.setSystemTime(Date.now() + 1)
    expect([await cacheOf(key), get.mock.calls.length]).toEqual(['HIT', 2])
  })

  test('needs no read for a picture that it has just delivered', async () => {
    const { key } = await team('acme')
    expect(await cacheOf(key)).toBe('MISS')
    const get = vi.spyOn(env.CACHE, 'get')
    expect([await cacheOf(key), get.mock.calls.length]).toEqual(['HIT', 0])
  })

  test('gives the picture of no-cache at once, although KV still has the older one', async () => {
    const { key, links } = await withPictures(1)
    expect(await answerTo(key)).toEqual(['HIT', links[0]])
    freezeKv()
    const [cache, link] = await answerTo(key, NO_CACHE)
    expect([cache, link === links[0]]).toEqual(['BYPASS', false])
    expect(await answerTo(key)).toEqual(['HIT', link])
  })

  test('gives no-cache a new picture, and max-age=N nothing older', async () => {
    const { key, links } = await withPictures(1)
    expect((await answerTo(key, { 'cache-control': 'max-age=0' }))[1]).not.toBe(links[0])
    expect((await answerTo(key, NO_CACHE))[0]).toBe('BYPASS')
    expect(upstream.calls).toHaveLength(3)
  })

  test('gives no older picture when a read of it ends after no-cache', async () => {
    const { key } = await withPictures(1)
    newIsolate()
    const read = holdRead()
    const slow = answerTo(key)
    await vi.waitUntil(read.begun)
    const [, link] = await answerTo(key, NO_CACHE)
    read.release()
    expect([await slow, await answerTo(key)]).toEqual([
      ['HIT', link],
      ['HIT', link],
    ])
  })
})

describe('a deleted picture', () => {
  test.each([
    ['generation', ({ id }: { id: string }) => `/v1/generations/${id}`],
    ['image', ({ links: [link = ''] }: { links: string[] }) => new URL(link).pathname],
  ])('is not given by the isolate of its %s, although KV still has the record', async (_, path) => {
    const acme = await withPictures(1)
    expect(await cacheOf(acme.key)).toBe('HIT')
    freezeKv()
    expect((await visit(acme.key, path(acme), 'DELETE')).status).toBe(200)
    expect([await cacheOf(acme.key), await cacheOf(acme.key)]).toEqual(['MISS', 'HIT'])
    expect(upstream.calls).toHaveLength(2)
  })

  test('is not brought back by a read that began before', async () => {
    const { key, id } = await withPictures(1)
    newIsolate()
    const read = holdRead()
    const slow = cacheOf(key)
    await vi.waitUntil(read.begun)
    await visit(key, `/v1/generations/${id}`, 'DELETE')
    read.release()
    expect([await slow, await cacheOf(key)]).toEqual(['MISS', 'HIT'])
    expect(upstream.calls).toHaveLength(2)
  })

  test('is given by no answer after a view of its dead link', async () => {
    const { key, links } = await withPictures(1)
    const [link = ''] = links
    await env.IMAGES.delete(new URL(link).pathname.slice(1))
    expect(await answerTo(key)).toEqual(['HIT', link])
    freezeKv()
    expect((await knock(link)).status).toBe(404)
    expect(await cacheOf(key)).toBe('MISS')
  })
})
