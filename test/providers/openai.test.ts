import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { errorOf, openai, post, postForm } from '../support/gateway'
import { internet } from '../support/internet'
import { holdLongTimers, UPSTREAM_MS } from '../support/long-timers'
import { operate } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { dataUrlOf, picture, pictureFile } from '../support/pictures'

const { upstream, relay } = upstreams()

/** The smallest PNG: one transparent pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=='

const generate = (prompt: string, model = 'gpt-image-2', n = 1) => openai().images.generate({ model, prompt, n })
const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'nothing was thrown',
    (error: unknown) => error,
  )

describe('sends', () => {
  test("the caller's parameters only, and nothing about its client", async () => {
    await openai({ defaultHeaders: { cookie: 'a=b', 'x-forwarded-for': '1.2.3.4' } }).images.generate({
      model: 'gpt-image-2.5-flare',
      prompt: '一座灯塔',
      n: 2,
      size: '1536x1024',
      quality: 'high',
      background: 'transparent',
      output_format: 'webp',
      output_compression: 80,
      moderation: 'low',
      user: 'user-1',
    })
    expect(upstream.calls[0]?.fields).toStrictEqual({
      model: 'gpt-image-2.5-flare',
      prompt: '一座灯塔',
      n: 2,
      size: '1536x1024',
      quality: 'high',
      background: 'transparent',
      output_format: 'webp',
      output_compression: 80,
      moderation: 'low',
      user: 'user-1',
    })
    expect(Object.keys(upstream.calls[0]?.headers ?? {}).toSorted()).toEqual([
      'authorization',
      'content-type',
      'darkroom-hops',
    ])
    expect(upstream.calls[0]?.headers['authorization']).toBe('Bearer sk-upstream-secret')
  })

  test('an edit as a form, its numbers as texts', async () => {
    const image = [await pictureFile('a'), await pictureFile('b')]
    await openai().images.edit({
      model: 'gpt-image-1.5',
      prompt: 'Both',
      image,
      n: 2,
      quality: 'low',
      input_fidelity: 'high',
    })
    expect(upstream.calls[0]).toMatchObject({
      path: '/v1/images/edits',
      fields: { model: 'gpt-image-1.5', prompt: 'Both', n: '2', quality: 'low', input_fidelity: 'high' },
      files: [
        { name: 'image[]', filename: 'image.png' },
        { name: 'image[]', filename: 'image.png' },
      ],
    })
  })

  test('an edit with a moderation as JSON, since a form has no field for it', async () => {
    const [image, mask] = [dataUrlOf(await picture('a')), dataUrlOf(await picture('mask'))]
    const asked = { model: 'gpt-image-2', prompt: 'A cat', moderation: 'low' }
    const pictures = { images: [{ image_url: image }], mask: { image_url: mask } }
    expect((await post('/v1/images/edits', { ...asked, ...pictures })).status).toBe(200)
    expect(upstream.calls[0]).toMatchObject({ path: '/v1/images/edits', fields: { ...asked, ...pictures } })
  })
})

const SVG = { model: 'gpt-image-2.6-sunburst', prompt: 'A cat', output_format: 'svg' }
const DATA_URL = dataUrlOf(await picture('a'))

describe('does not send', () => {
  const asked = SVG

  test('a request for several SVGs, which the model makes one at a time', async () => {
    const refused = await errorOf(await post('/v1/images/generations', { ...asked, n: 2 }))
    expect(refused).toMatchObject({ status: 400, param: 'n', message: expect.stringContaining('one svg at a time') })
    expect((await post('/v1/images/generations', { ...asked, output_format: 'webp', n: 2 })).status).toBe(200)
    expect(upstream.calls).toHaveLength(1)
  })
})

test.each([
  [
    'JSON',
    () =>
      post('/v1/images/edits', {
        ...SVG,
        svg: { model: 'gpt-5.5', reasoning: { effort: 'low' } },
        images: [{ image_url: DATA_URL }],
      }),
  ],
  [
    'a form',
    async () =>
      postForm('/v1/images/edits', [
        ...Object.entries(SVG),
        ['svg[model]', 'gpt-5.5'],
        ['svg[reasoning][effort]', 'low'],
        ['image', await pictureFile('a')],
      ]),
  ],
])('sends an edit to an SVG, asked for by %s, with the names of a form', async (_, ask) => {
  expect((await ask()).status).toBe(200)
  expect(upstream.calls[0]).toMatchObject({
    path: '/v1/images/edits',
    fields: { ...SVG, 'svg[model]': 'gpt-5.5', 'svg[reasoning][effort]': 'low' },
  })
})

describe('reads', () => {
  test.each([
    ['a URL', '@as=url'],
    ['a data URL under b64_json', '@as=data-url'],
    ['a data URL under url', '@as=data-url-in-url'],
    ['both, the URL first', '@as=both'],
    ['base64 with escaped slashes', '@as=escaped'],
    ['indented JSON', '@pretty'],
  ])('an answer with %s', async (_, marker) => {
    const { data } = await generate(`A cat ${marker} @bytes=100000`, 'relay-1', 2)
    expect(data?.map(({ b64_json }) => Uint8Array.fromBase64(b64_json ?? '').length)).toEqual([100_000, 100_000])
  })

  test('a picture larger than a part of R2, byte for byte', async () => {
    const { data } = await openai().images.generate({ model: 'relay-1', prompt: 'A cat @bytes=11000000' })
    const kept = (await env.IMAGES.list({ prefix: 'images/' })).objects
    expect(kept.map(({ size }) => size)).toEqual([11_000_000])
    const object = await env.IMAGES.get(kept[0]?.key ?? '')
    const [made, given] = [
      new Uint8Array((await object?.arrayBuffer()) ?? []),
      Uint8Array.fromBase64(data?.[0]?.b64_json ?? ''),
    ]
    expect(given.length).toBe(11_000_000)
    expect(made.every((byte, at) => byte === given[at])).toBe(true)
  })

  test.each(['x-request-id', 'apim-request-id', 'x-ms-request-id', 'x-oneapi-request-id'])(
    'its own id of the request in %s, for the audit',
    async (name) => {
      const answer = (): Response =>
        Response.json({ data: [{ b64_json: PNG }] }, { headers: { [name]: 'of-upstream' } })
      internet({ 'relay.example.com': { handle: answer } })
      await generate('A cat', 'relay-1')
      const { data } = await (await operate('GET', '/audit')).json<{ data: unknown[] }>()
      expect(data).toMatchObject([{ upstream_request_id: 'of-upstream' }])
    },
  )

  test('surplus pictures, which are dropped', async () => {
    expect((await generate('A cat @pictures=3', 'relay-1', 2)).data).toHaveLength(2)
    expect((await generate('A cat @pictures=3', 'relay-1', 2)).data).toHaveLength(2)
    expect(relay.calls).toHaveLength(1)
  })

  test('fewer pictures than requested, with a note, cached for a short time only', async () => {
    const request = { model: 'relay-1', prompt: 'A cat @pictures=2', n: 3 }
    const first = await post('/v1/images/generations', request)
    expect([first.status, first.headers.get('x-adjusted')]).toEqual([200, 'n=3>2'])
    expect((await post('/v1/images/generations', request)).headers.get('x-cache')).toBe('HIT')
    expect((await env.CACHE.list()).keys).toEqual([])
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_001 })
    await post('/v1/images/generations', request)
    vi.useRealTimers()
    expect(relay.calls).toHaveLength(2)
  })

  test('a complete image, whatever happens to the rest of the answer', async () => {
    const whole = {
      handle: () =>
        new Response(`{"data":[{"b64_json":"${PNG}"}]} and more`, { headers: { 'content-type': 'application/json' } }),
    }
    internet({ 'api.openai.com': whole })
    expect((await generate('A cat')).data?.[0]?.b64_json).toBe(PNG)
    internet({ 'api.openai.com': upstream })
    const pass = holdLongTimers()
    const putting = vi.spyOn(env.IMAGES, 'put')
    const answer = generate('A cat @fault=silence-after-image')
    await vi.waitUntil(() => putting.mock.settledResults[0]?.type === 'fulfilled')
    pass(UPSTREAM_MS)
    expect((await answer).data).toHaveLength(1)
    expect(upstream.calls).toHaveLength(1)
  })

  test('a complete answer, though its connection stays open', async () => {
    const text = `{"data":[{"b64_json":"${PNG}"}],"usage":{"input_tokens":1,"output_tokens":2}}`
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
      pull: () => new Promise(() => {}),
    })
    internet({ 'api.openai.com': { handle: () => new Response(body) } })
    expect(await generate('A cat')).toMatchObject({ data: [{ b64_json: PNG }], usage: { total_tokens: 3 } })
  })

  test('an image by a URL that needs a second try', async () => {
    let tries = 0
    const flaky = {
      handle: (request: Request) =>
        request.method === 'GET' && tries++ === 0 ? new Response(null, { status: 502 }) : relay.handle(request),
    }
    internet({ 'relay.example.com': flaky })
    expect((await generate('A cat @as=url', 'relay-1')).data).toHaveLength(1)
    expect(tries).toBe(2)
  })

  test.each([
    ['an object where the list of images should be', '{"data":{"x":{"b64_json":"aaaa"}}}'],
    ['a list without images', '{"data":[{},null]}'],
  ])('%s as no image at all', async (_, body) => {
    internet({
      'api.openai.com': { handle: () => new Response(body, { headers: { 'content-type': 'application/json' } }) },
    })
    expect(await thrown(generate('A cat'))).toMatchObject({ status: 502 })
  })
})
