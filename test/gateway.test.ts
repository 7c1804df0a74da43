import { evictAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { knock, openai, post, postForm } from './support/gateway'
import { newIsolate } from './support/settings'
import { upstreams } from './support/upstreams'
import { picture, pictureFile } from './support/pictures'

const { upstream } = upstreams()

const lighthouse = { model: 'gpt-image-2', prompt: 'A lighthouse at dusk' }

describe('an unmodified OpenAI client', () => {
  test('gets its image by changing only base URL and key', async () => {
    const { data, usage, size, quality } = await openai().images.generate(lighthouse)
    expect(data?.[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
    expect(usage?.total_tokens).toBeGreaterThan(0)
    expect({ size, quality }).toEqual({ size: '1024x1024', quality: 'low' })
  })

  test('finds the image under b64_json and url when it names no response format', async () => {
    const { data } = await openai().images.generate(lighthouse)
    const shown = await knock(data?.[0]?.url ?? '')
    expect(new Uint8Array(await shown.arrayBuffer()).toBase64()).toBe(data?.[0]?.b64_json)
  })

  test.each(['url', 'b64_json'] as const)('gets only %s in that response format', async (format) => {
    const { data } = await openai().images.generate({ ...lighthouse, response_format: format })
    expect(Object.keys(data?.[0] ?? {})).toEqual([format, 'revised_prompt'])
    expect(data?.[0]?.revised_prompt).toBe(lighthouse.prompt)
  })

  test('gets n different images', async () => {
    const { data } = await openai().images.generate({ ...lighthouse, n: 3 })
    expect(new Set(data?.map(({ b64_json }) => b64_json)).size).toBe(3)
  })

  test('edits several images with a mask, which reach the upstream unchanged', async () => {
    const [a, b, mask] = [await pictureFile('a'), await pictureFile('b'), await pictureFile('mask')]
    await openai().images.edit({ ...lighthouse, image: [a, b], mask })
    const sent = upstream.calls[0]?.files.map(({ name, type, bytes }) => ({ name, type, bytes }))
    expect(sent).toEqual([
      { name: 'image[]', type: 'image/png', bytes: a.size },
      { name: 'image[]', type: 'image/png', bytes: b.size },
      { name: 'mask', type: 'image/png', bytes: mask.size },
    ])
  })

  test('streams one completed event per image, with the usage once', async () => {
    const events = []
    for await (const event of await openai().images.generate({ ...lighthouse, n: 2, stream: true })) events.push(event)
    expect(events.map(({ type }) => type)).toEqual(['image_generation.completed', 'image_generation.completed'])
    const usages = events.map((event) => (event.type === 'image_generation.completed' ? event.usage.output_tokens : -1))
    expect(usages).toEqual([0, 392])
  })
})

describe('the cache', () => {
  const headersOf = async (body: unknown, headers?: Record<string, string>): Promise<Record<string, string | null>> => {
    const response = await post('/v1/images/generations', body, headers)
    await response.arrayBuffer()
    return {
      cache: response.headers.get('x-cache'),
      age: response.headers.get('age'),
      id: response.headers.get('x-generation-id'),
    }
  }

  test('answers a repeated request without the upstream, with its age', async () => {
    expect(await headersOf(lighthouse)).toMatchObject({ cache: 'MISS', age: null })
    expect(await headersOf(lighthouse)).toMatchObject({ cache: 'HIT', age: '0' })
    expect(upstream.calls).toHaveLength(1)
  })

  test.each([
    ['keys in another order', '{"prompt":"A lighthouse at dusk","model":"gpt-image-2"}'],
    [
      'defaults spelled out',
      {
        ...lighthouse,
        n: 1,
        size: 'auto',
        quality: 'auto',
        background: 'auto',
        output_format: 'png',
        output_compression: 100,
        moderation: 'auto',
        stream: false,
      },
    ],
    ['nulls', { ...lighthouse, n: null, size: null, quality: null }],
    ['another response format', { ...lighthouse, response_format: 'url' }],
    ['another end user', { ...lighthouse, user: 'somebody' }],
    ['an alias of the model', { ...lighthouse, model: 'house-style' }],
    ['partial images', { ...lighthouse, stream: true, partial_images: 2 }],
  ])('takes a request with %s as equal', async (_, body) => {
    await headersOf(lighthouse)
    expect(await headersOf(body)).toMatchObject({ cache: 'HIT' })
  })

  test.each([
    ['prompt', { ...lighthouse, prompt: 'A lighthouse at dawn' }],
    ['size', { ...lighthouse, size: '1536x1024' }],
    ['n', { ...lighthouse, n: 2 }],
    ['quality', { ...lighthouse, quality: 'high' }],
    ['format', { ...lighthouse, output_format: 'webp' }],
    ['model', { ...lighthouse, model: 'gpt-image-2.5-flare' }],
  ])('takes a request with another %s as different', async (_, body) => {
    await headersOf(lighthouse)
    expect(await headersOf(body)).toMatchObject({ cache: 'MISS' })
  })

  test('compares edits by the content of their images, in any encoding', async () => {
    const edit = async (name: string, filename: string): Promise<string | null> => {
      const file = new File([await picture(name)], filename, { type: 'image/png' })
      const response = await postForm('/v1/images/edits', [
        ['model', 'gpt-image-2'],
        ['prompt', 'Tidy up'],
        ['image', file],
      ])
      await response.arrayBuffer()
      return response.headers.get('x-cache')
    }
    const asJson = async (name: string): Promise<string | null> => {
      const image_url = `data:image/png;base64,${(await picture(name)).toBase64()}`
      const response = await post('/v1/images/edits', {
        model: 'gpt-image-2',
        prompt: 'Tidy up',
        images: [{ image_url }],
      })
      await response.arrayBuffer()
      return response.headers.get('x-cache')
    }
    expect(await edit('a', 'one.png')).toBe('MISS')
    expect(await edit('a', 'two.png')).toBe('HIT')
    expect(await asJson('a')).toBe('HIT')
    expect(await edit('b', 'one.png')).toBe('MISS')
  })

  test('finds the pictures of earlier releases: their ids are the same, in any script', async () => {
    const { id } = await headersOf({ model: 'gpt-image-2', prompt: 'Ein Fuchs – 狐 🦊 \ud83e' })
    expect(id).toBe('gen_df58372f8704a32d8fb7d0d9df3c4259f5e1f775d23c1ef594ac4863f993addd')
  })

  test('is renewed by no-cache for later requests', async () => {
    const first = await openai().images.generate(lighthouse)
    const second = await openai().images.generate(lighthouse, { headers: { 'cache-control': 'no-cache' } })
    const third = await openai().images.generate(lighthouse)
    expect(second.data?.[0]?.b64_json).not.toBe(first.data?.[0]?.b64_json)
    expect(third.data?.[0]?.b64_json).toBe(second.data?.[0]?.b64_json)
    expect(upstream.calls).toHaveLength(2)
  })

  test('is neither read nor written with no-store', async () => {
    const bypass = { 'cache-control': 'no-store' }
    expect(await headersOf(lighthouse, bypass)).toMatchObject({ cache: 'BYPASS' })
    expect(await headersOf(lighthouse)).toMatchObject({ cache: 'MISS' })
    expect(await headersOf(lighthouse, bypass)).toMatchObject({ cache: 'BYPASS' })
    expect((await env.CACHE.list()).keys).toHaveLength(1)
  })

  test('with max-age=N gives nothing older', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 10_000 })
    await headersOf(lighthouse)
    vi.useRealTimers()
    expect(await headersOf(lighthouse, { 'cache-control': 'max-age=60' })).toMatchObject({ cache: 'HIT', age: '10' })
    expect(await headersOf(lighthouse, { 'cache-control': 'max-age=5' })).toMatchObject({ cache: 'MISS' })
  })

  test('is backed by the generation itself while KV lags behind', async () => {
    const { id } = await headersOf(lighthouse)
    await env.CACHE.delete(`records/${id}`)
    newIsolate()
    await evictAllDurableObjects()
    expect(await headersOf(lighthouse)).toMatchObject({ cache: 'HIT' })
    expect(upstream.calls).toHaveLength(1)
  })

  test('takes an unreadable copy in KV as a miss, not as an error', async () => {
    const { id } = await headersOf(lighthouse)
    await env.CACHE.put(`records/${id}`, '{"broken":')
    newIsolate()
    expect(await headersOf(lighthouse)).toMatchObject({ cache: 'HIT' })
  })

  test('has images made again after their deletion', async () => {
    await headersOf(lighthouse)
    for (const { key } of (await env.IMAGES.list({ prefix: 'images/' })).objects) await env.IMAGES.delete(key)
    const { data } = await openai().images.generate(lighthouse)
    expect(data?.[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
    expect(upstream.calls).toHaveLength(2)
  })
})

describe("the upstream's own metadata", () => {
  test('reaches the record, for audits', async () => {
    const response = await post('/v1/images/generations', lighthouse)
    await response.arrayBuffer()
    const record = await env.CACHE.get(`records/${response.headers.get('x-generation-id')}`, 'json')
    expect(record).toMatchObject({
      upstream: { name: 'openai', account: 0, requestId: expect.stringMatching(/^req_/), organization: 'org-upstream' },
    })
  })

  test('does not reach the client', async () => {
    const response = await post('/v1/images/generations', lighthouse)
    const told = JSON.stringify([...response.headers]) + (await response.text())
    expect(told).not.toMatch(
      /sk-upstream-secret|org-upstream|__cf_bm|secret-cookie|openai-version|x-ratelimit-limit-requests/,
    )
  })
})
