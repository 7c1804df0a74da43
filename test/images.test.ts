import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { knock, openai, ORIGIN } from './support/gateway'
import { upstreams } from './support/upstreams'

upstreams()

/** Each test has a picture of its own, since the edge's cache is not emptied between them. */
let count = 0
async function linkAndBytes(): Promise<{ link: string; bytes: Uint8Array }> {
  const { data } = await openai().images.generate({ model: 'gpt-image-2', prompt: `Picture ${++count} @bytes=1000` })
  return { link: data?.[0]?.url ?? '', bytes: Uint8Array.fromBase64(data?.[0]?.b64_json ?? '') }
}

const bytesOf = async (response: Response): Promise<Uint8Array> => new Uint8Array(await response.arrayBuffer())

describe('a link', () => {
  test('shows the picture without a key, cacheable and harmless to a browser', async () => {
    const { link, bytes } = await linkAndBytes()
    const response = await knock(link)
    expect(response.status).toBe(200)
    expect(await bytesOf(response)).toEqual(bytes)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/png',
      'content-length': '1000',
      etag: expect.stringMatching(/^"\w+"$/),
      'accept-ranges': 'bytes',
      'cache-control': expect.stringMatching(/^public, max-age=\d+, immutable$/),
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    })
  })

  test('is the same for an hour, for caches on its way', async () => {
    const { link } = await linkAndBytes()
    const { data } = await openai().images.generate({ model: 'gpt-image-2', prompt: `Picture ${count} @bytes=1000` })
    expect(data?.[0]?.url).toBe(link)
  })

  test.each([
    ['another signature', (link: string) => link.replace(/sig=./, (match) => (match === 'sig=A' ? 'sig=B' : 'sig=A'))],
    ['no signature', (link: string) => link.replace(/&sig=.*/, '')],
    ['a later expiry', (link: string) => link.replace(/exp=\d+/, 'exp=9999999999')],
    ['another key', (link: string) => link.replace('-0.png', '-1.png')],
    ['no query', (link: string) => link.replace(/\?.*/, '')],
  ])('with %s is refused', async (_, change) => {
    const { link } = await linkAndBytes()
    expect((await knock(change(link))).status).toBe(403)
  })

  test('is refused after its expiry, with the remedy', async () => {
    const { link } = await linkAndBytes()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 90_001_000 })
    const response = await knock(link)
    expect([response.status, await response.text()]).toEqual([403, expect.stringContaining('has expired')])
  })

  test('opens nothing but pictures', async () => {
    await env.IMAGES.put('inputs/secret', 'x')
    for (const path of [
      '/images/../inputs/secret',
      '/images/%2e%2e/inputs/secret',
      '/inputs/secret',
      '/images/',
      '/images/%',
    ]) {
      expect((await knock(`${ORIGIN}${path}?exp=9999999999&sig=x`)).status).toBeOneOf([403, 404])
    }
  })

  test('to a deleted picture is a 404', async () => {
    const { link } = await linkAndBytes()
    await env.IMAGES.delete(new URL(link).pathname.slice(1))
    expect((await knock(link)).status).toBe(404)
  })

  test('to a deleted picture is looked up and forgotten once, however it is viewed', async () => {
    const { link } = await linkAndBytes()
    const { origin, pathname } = new URL(link)
    await env.IMAGES.delete(pathname.slice(1))
    const spies = [vi.spyOn(env.IMAGES, 'get'), vi.spyOn(env.IMAGES, 'head'), vi.spyOn(env.GENERATIONS, 'getByName')]
    const calls = (): number[] => spies.map((spy) => spy.mock.calls.length)
    expect((await knock(link)).status).toBe(404)
    expect(calls()).toEqual([1, 0, 1])
    for (const init of [
      {},
      { method: 'HEAD' },
      { headers: { range: 'bytes=0-9' } },
      { headers: { 'if-none-match': '*' } },
    ])
      expect((await knock(link, init)).status).toBe(404)
    expect(calls()).toEqual([1, 0, 1])
    expect((await caches.default.match(origin + pathname))?.status).toBe(404)
  })

  test('to a deleted picture is forgotten at the next view if its object was out of reach', async () => {
    const { link } = await linkAndBytes()
    await env.IMAGES.delete(new URL(link).pathname.slice(1))
    const call = vi.spyOn(env.GENERATIONS, 'getByName').mockImplementation(() => {
      throw new Error('out of reach')
    })
    expect((await knock(link)).status).toBe(404)
    call.mockRestore()
    const again = vi.spyOn(env.GENERATIONS, 'getByName')
    expect([(await knock(link)).status, again.mock.calls.length]).toEqual([404, 1])
  })

  test('to a picture that another isolate has found missing costs neither a read nor a call', async () => {
    const { link } = await linkAndBytes()
    const { origin, pathname } = new URL(link)
    await env.IMAGES.delete(pathname.slice(1))
    const headers = { 'cache-control': 'public, max-age=60' }
    await caches.default.put(origin + pathname, new Response(null, { status: 404, headers }))
    const [get, call] = [vi.spyOn(env.IMAGES, 'get'), vi.spyOn(env.GENERATIONS, 'getByName')]
    expect((await knock(link)).status).toBe(404)
    expect([get.mock.calls.length, call.mock.calls.length]).toEqual([0, 0])
  })

  test('is answered from the edge after its first use', async () => {
    const { link, bytes } = await linkAndBytes()
    await bytesOf(await knock(link))
    const { origin, pathname } = new URL(link)
    await vi.waitUntil(async () => (await caches.default.match(origin + pathname)) !== undefined)
    await env.IMAGES.delete(pathname.slice(1))
    const again = await knock(link)
    expect([again.status, again.headers.get('content-type'), await bytesOf(again)]).toEqual([200, 'image/png', bytes])
  })
})

describe('a part of a picture', () => {
  test.each([
    ['bytes=0-9', 0, 10],
    ['bytes=990-', 990, 1000],
    ['bytes=-10', 990, 1000],
    ['bytes=500-5000', 500, 1000],
    ['bytes=-5000', 0, 1000],
  ])('%s', async (range, from, to) => {
    const { link, bytes } = await linkAndBytes()
    const response = await knock(link, { headers: { range } })
    expect([response.status, response.headers.get('content-range')]).toEqual([206, `bytes ${from}-${to - 1}/1000`])
    expect(await bytesOf(response)).toEqual(bytes.slice(from, to))
  })

  test.each([['bytes=1000-'], ['bytes=-0']])('%s is refused', async (range) => {
    const { link } = await linkAndBytes()
    const response = await knock(link, { headers: { range } })
    expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */1000'])
  })

  test.each([['lines=1-2'], ['bytes=0-1,4-5'], ['bytes=-'], ['bytes=5-4']])('%s is answered whole', async (range) => {
    const { link } = await linkAndBytes()
    expect((await knock(link, { headers: { range } })).status).toBe(200)
  })

  test('with an If-Range of another version is answered whole', async () => {
    const { link } = await linkAndBytes()
    const headers = { range: 'bytes=0-9', 'if-range': '"other"' }
    expect((await knock(link, { headers })).status).toBe(200)
  })
})

describe('a picture that the client has cached', () => {
  test.each([[(etag: string) => etag], [(etag: string) => `"x", W/${etag}`], [() => '*']])(
    'is not sent again',
    async (condition) => {
      const { link } = await linkAndBytes()
      const etag = (await knock(link, { method: 'HEAD' })).headers.get('etag') ?? ''
      const response = await knock(link, { headers: { 'if-none-match': condition(etag) } })
      expect([response.status, response.headers.get('etag'), (await bytesOf(response)).length]).toEqual([304, etag, 0])
    },
  )

  test('is sent in another version', async () => {
    const { link } = await linkAndBytes()
    expect((await knock(link, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
  })
})

test('HEAD has the length and type without the picture', async () => {
  const { link } = await linkAndBytes()
  const response = await knock(link, { method: 'HEAD' })
  expect([response.status, response.headers.get('content-length'), response.headers.get('content-type')]).toEqual([
    200,
    '1000',
    'image/png',
  ])
})
