import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { errorOf, knock } from './support/gateway'
import { ask, operate, type Pictured, stored, team, visit, withPictures } from './support/teams'
import { upstreams } from './support/upstreams'

const { upstream } = upstreams()

const near = async (): Promise<number> => (await env.CACHE.list({ prefix: 'records/' })).keys.length
const statusesOf = async (links: readonly string[]): Promise<number[]> =>
  await Promise.all(links.map(async (link) => (await knock(link)).status))
const cacheOf = async (key: string, n: number): Promise<string | null> => (await ask(key, { n })).headers.get('x-cache')

interface Usage {
  data: { cost_usd: number; images: number }[]
}

describe('a deleted generation', () => {
  test('is gone from bucket, cache and history', async () => {
    const { key, id, links } = await withPictures(2)
    const deleted = await visit(key, `/v1/generations/${id}`, 'DELETE')
    expect([deleted.status, await deleted.json()]).toEqual([200, { object: 'generation', id, deleted: true }])
    expect([await stored(), await near(), await statusesOf(links)]).toEqual([0, 0, [404, 404]])
    expect(await (await visit(key, '/v1/generations')).json()).toMatchObject({ data: [] })
    for (const method of ['GET', 'DELETE']) {
      expect((await visit(key, `/v1/generations/${id}`, method)).status).toBe(404)
    }
  })

  test('is gone from the edge cache of its link', async () => {
    const { key, id, links } = await withPictures(1)
    expect(await statusesOf(links)).toEqual([200])
    await visit(key, `/v1/generations/${id}`, 'DELETE')
    expect(await statusesOf(links)).toEqual([404])
  })

  test('is made again on the next request', async () => {
    const { key, id } = await withPictures(1)
    await visit(key, `/v1/generations/${id}`, 'DELETE')
    expect([await cacheOf(key, 1), await cacheOf(key, 1)]).toEqual(['MISS', 'HIT'])
    expect(upstream.calls).toHaveLength(2)
  })

  test('is gone in all of its runs', async () => {
    const { key, id } = await withPictures(1)
    await ask(key, { n: 1 }, { 'cache-control': 'no-cache' })
    expect(await stored()).toBe(2)
    await visit(key, `/v1/generations/${id}`, 'DELETE')
    expect(await stored()).toBe(0)
    expect(await (await visit(key, '/v1/generations')).json()).toMatchObject({ data: [] })
  })

  test('keeps its cost and its audit entry, without its prompt', async () => {
    const { key, id, cost } = await withPictures(2)
    await visit(key, `/v1/generations/${id}`, 'DELETE')
    const { data } = await (await operate('GET', '/usage?team=acme')).json<Usage>()
    expect(data).toMatchObject([{ cost_usd: cost, images: 2 }])
    const audit = await operate('GET', `/audit?generation=${id}`)
    const told = { cost_usd: cost, prompt: '', images_kept: [], deleted_at: expect.any(String) }
    expect(await audit.json()).toMatchObject({ data: [told] })
  })

  test('may be a failed one', async () => {
    const { key } = await team('acme')
    await ask(key, { prompt: 'A cat @fault=500' })
    const { data } = await (await visit(key, '/v1/generations')).json<{ data: { id: string }[] }>()
    expect((await visit(key, `/v1/generations/${data[0]?.id}`, 'DELETE')).status).toBe(200)
    expect(await (await visit(key, '/v1/generations')).json()).toMatchObject({ data: [] })
  })

  test('must have ended', async () => {
    const { key } = await team('acme')
    const answer = ask(key, { prompt: 'A cat @delay=200' })
    await vi.waitUntil(() => upstream.calls.length === 1)
    const { data } = await (await visit(key, '/v1/generations')).json<{ data: { id: string }[] }>()
    const refused = await visit(key, `/v1/generations/${data[0]?.id}`, 'DELETE')
    expect([refused.headers.get('retry-after'), (await errorOf(refused)).status]).toEqual(['5', 409])
    expect((await answer).status).toBe(200)
    expect((await visit(key, `/v1/generations/${data[0]?.id}`, 'DELETE')).status).toBe(200)
  })
})

describe('one deleted image of three', () => {
  const deletion = async ({ key, links }: Pictured, index: number): Promise<Response> =>
    await visit(key, new URL(links[index] ?? '').pathname, 'DELETE')

  test('is gone, and the others stay', async () => {
    const acme = await withPictures(3)
    const deleted = await deletion(acme, 1)
    const key = new URL(acme.links[1] ?? '').pathname.slice(1)
    expect(await deleted.json()).toEqual({ object: 'image', id: key, deleted: true })
    expect(await statusesOf(acme.links)).toEqual([200, 404, 200])
    const shown = await (await visit(acme.key, `/v1/generations/${acme.id}`)).json<{ images: { url: string }[] }>()
    expect(shown.images.map(({ url }) => url)).toEqual([acme.links[0], acme.links[2]])
  })

  test('leads to three new images on the next request, and the others stay', async () => {
    const acme = await withPictures(3)
    await deletion(acme, 0)
    expect([await cacheOf(acme.key, 3), await cacheOf(acme.key, 3)]).toEqual(['MISS', 'HIT'])
    expect([await stored(), upstream.calls.length]).toEqual([5, 2])
  })

  test('is a 404 the second time', async () => {
    const acme = await withPictures(3)
    await deletion(acme, 0)
    expect((await deletion(acme, 0)).status).toBe(404)
  })

  test('removes the generation with the last image', async () => {
    const acme = await withPictures(3)
    for (const index of [0, 1, 2]) expect((await deletion(acme, index)).status).toBe(200)
    expect((await visit(acme.key, `/v1/generations/${acme.id}`)).status).toBe(404)
    expect(await stored()).toBe(0)
  })

  test('of an older run leaves the answer of the newer one', async () => {
    const acme = await withPictures(3)
    await ask(acme.key, { n: 3 }, { 'cache-control': 'no-cache' })
    await deletion(acme, 0)
    expect(await cacheOf(acme.key, 3)).toBe('HIT')
  })

  test('needs a key; a link does not suffice', async () => {
    const { links } = await withPictures(3)
    expect((await knock(links[0] ?? '', { method: 'DELETE' })).status).toBe(401)
    expect(await stored()).toBe(3)
  })
})
