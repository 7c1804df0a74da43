import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { knock, ORIGIN } from './support/gateway'
import { ask, type IssuedKey, team, visit } from './support/teams'
import { upstreams } from './support/upstreams'

const { upstream } = upstreams()

/** A team, and the key of its picture. */
interface Made extends IssuedKey {
  picture: string
  b64: string
}

const BODY = { response_format: 'b64_json' }

/** The origin of the answer to a request for the picture, and the picture. */
async function given(key: string, body: Record<string, unknown> = BODY): Promise<[string | null, string]> {
  const response = await ask(key, body)
  const { data } = await response.json<{ data: { b64_json: string }[] }>()
  return [response.headers.get('x-cache'), data[0]?.b64_json ?? '']
}

const copyUrl = (picture: string): string => `${ORIGIN}/${picture}.base64`

/** Makes a picture, and has its first hit leave a copy. */
async function withCopy(): Promise<Made> {
  const acme = await team('acme')
  const [, b64] = await given(acme.key)
  expect(await given(acme.key)).toEqual(['HIT', b64])
  const [object] = (await env.IMAGES.list({ prefix: 'images/' })).objects
  const picture = object?.key ?? ''
  await vi.waitUntil(async () => (await caches.default.match(copyUrl(picture))) !== undefined)
  return { ...acme, picture, b64 }
}

describe('a hit in base64', () => {
  test('reads nothing from R2 the second time, and is the same', async () => {
    const { key, b64 } = await withCopy()
    const [get, head] = [vi.spyOn(env.IMAGES, 'get'), vi.spyOn(env.IMAGES, 'head')]
    expect(await given(key)).toEqual(['HIT', b64])
    expect([get.mock.calls.length, head.mock.calls.length]).toEqual([0, 0])
  })

  test('has the copy in every way of an answer', async () => {
    const { key, b64 } = await withCopy()
    const get = vi.spyOn(env.IMAGES, 'get')
    const stream = await ask(key, { ...BODY, stream: true })
    expect([stream.headers.get('x-cache'), await stream.text()]).toEqual(['HIT', expect.stringContaining(b64)])
    const both = await ask(key, { response_format: undefined })
    expect([both.headers.get('x-cache'), await both.text()]).toEqual(['HIT', expect.stringContaining(b64)])
    expect(get).not.toHaveBeenCalled()
  })

  test('reads R2 when the cache fails, or takes long', async () => {
    const { key, b64 } = await withCopy()
    const match = vi.spyOn(caches.default, 'match').mockRejectedValue(new Error('cache: internal error'))
    const put = vi.spyOn(caches.default, 'put').mockRejectedValue(new Error('cache: internal error'))
    expect(await given(key)).toEqual(['HIT', b64])
    await vi.waitUntil(() => put.mock.calls.length > 0)
    match.mockImplementation(() => new Promise(() => {}))
    expect(await given(key)).toEqual(['HIT', b64])
  })

  test('with the same picture asked for at once makes one copy', async () => {
    const { key } = await team('acme')
    await given(key)
    const { promise: copied, reject: breakOff } = Promise.withResolvers<void>()
    const put = vi.spyOn(caches.default, 'put').mockReturnValue(copied)
    await Promise.all(Array.from({ length: 5 }, () => given(key)))
    await vi.waitUntil(() => put.mock.calls.length > 0)
    expect(await given(key)).toEqual(['HIT', expect.any(String)])
    expect(put.mock.calls.length).toBe(1)
    breakOff(new Error('the test is over'))
  })

  test('of a picture above 16 MiB leaves no copy', async () => {
    const { key } = await team('acme')
    const body = { ...BODY, prompt: `A cat @bytes=${16 * 1024 * 1024 + 1}` }
    const [, b64] = await given(key, body)
    const put = vi.spyOn(caches.default, 'put')
    const [cache, again] = await given(key, body)
    expect([cache, again === b64, put.mock.calls.length]).toEqual(['HIT', true, 0])
  })
})

describe('a copy of base64', () => {
  test('is left by no answer but a hit', async () => {
    const { key } = await team('acme')
    const put = vi.spyOn(caches.default, 'put')
    await given(key)
    await (await ask(key, BODY, { 'cache-control': 'no-cache' })).text()
    expect(put).not.toHaveBeenCalled()
  })

  test('lives for an hour at most', async () => {
    const { picture } = await withCopy()
    const copy = await caches.default.match(copyUrl(picture))
    expect(copy?.headers.get('cache-control')).toBe('public, max-age=3600')
    await copy?.body?.cancel()
  })

  test('is shown by no route, with the link of its picture neither', async () => {
    const { key, picture } = await withCopy()
    const response = await ask(key)
    const { data } = await response.json<{ data: { url: string }[] }>()
    const { search } = new URL(data[0]?.url ?? '')
    expect((await knock(`/${picture}${search}`)).status).toBe(200)
    for (const url of [copyUrl(picture), copyUrl(picture) + search])
      expect([(await knock(url)).status, (await visit(key, url)).status]).toEqual([403, 403])
    expect((await visit(key, `/${picture}.base64`, 'DELETE')).status).toBe(404)
  })

  test.each([
    ['image', ({ picture }: Made) => `/${picture}`],
    ['generation', ({ picture }: Made) => `/v1/generations/${picture.split('/')[1]}`],
  ])('goes with its deleted %s', async (_, path) => {
    const made = await withCopy()
    expect((await visit(made.key, path(made), 'DELETE')).status).toBe(200)
    expect(await caches.default.match(copyUrl(made.picture))).toBeUndefined()
    const [cache, b64] = await given(made.key)
    expect([cache, b64 === made.b64, upstream.calls.length]).toEqual(['MISS', false, 2])
  })
})
