import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { knock, ORIGIN, post } from '../support/gateway'
import { internet } from '../support/internet'
import { dataUrlOf, picture, pictureFile } from '../support/pictures'
import { ask, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const MODEL = 'gpt-image-2'

/** A host of pictures: every path is one of its own, and `/to/` redirects. */
const host = {
  gets: 0,
  bytes: 400,
  async handle(request: Request): Promise<Response> {
    this.gets++
    const { pathname } = new URL(request.url)
    if (pathname.startsWith('/to')) return new Response(null, { status: 302, headers: { location: `${pathname}/to` } })
    return new Response(await picture(pathname, this.bytes))
  },
}

let puts: ReturnType<typeof vi.spyOn>

beforeEach(() => {
  host.gets = 0
  host.bytes = 400
  internet({ 'api.openai.com': upstream, 'pictures.example.com': host })
  puts = vi.spyOn(env.IMAGES, 'put')
  vi.spyOn(env.IMAGES, 'createMultipartUpload')
})

const storedInputs = async (): Promise<string[]> =>
  (await env.IMAGES.list({ prefix: 'inputs/' })).objects.map(({ key }) => key)

const noneLeft = (): Promise<void> => vi.waitFor(async () => expect(await storedInputs()).toEqual([]))

const urls = (count: number, path = ''): string[] =>
  Array.from({ length: count }, (_, at) => `https://pictures.example.com${path}/${at}`)

const contents = (count: number, path = ''): object => ({
  contents: [{ parts: [{ text: 'Mix' }, ...urls(count, path).map((fileUri) => ({ fileData: { fileUri } }))] }],
})

const gemini = (key: string, body: object): Promise<Response> =>
  knock(`/v1beta/models/${MODEL}:generateContent`, {
    method: 'POST',
    headers: { 'x-goog-api-key': key, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

describe.each([
  ['a budget of 0', { budget_usd: 0 }],
  ['no images of the day', { images_per_day: 0 }],
  ['a concurrency of 0', { concurrency: 0 }],
])('a key with %s', (_, limits) => {
  test('has no picture fetched or stored, in any dialect', async () => {
    const { key } = await team('acme', limits)
    const headers = { authorization: `Bearer ${key}` }
    const [url = ''] = urls(1)
    const parts = new FormData()
    for (const [name, value] of [
      ['model', MODEL],
      ['prompt', 'Mix'],
    ] as const)
      parts.append(name, value)
    parts.append('image', await pictureFile('a', 2_000_000))
    const message = {
      role: 'user',
      content: [
        { type: 'text', text: 'Mix' },
        { type: 'image_url', image_url: { url } },
      ],
    }
    const input = [
      {
        role: 'user',
        content: [
          { type: 'input_text', text: 'Mix' },
          { type: 'input_image', image_url: url },
        ],
      },
    ]
    const base = { model: MODEL, prompt: 'Mix' }
    const answers = [
      await gemini(key, contents(16)),
      await post('/v1/images/edits', { ...base, images: [{ image_url: url }] }, headers),
      await post('/v1/chat/completions', { model: MODEL, messages: [message] }, headers),
      await post('/v1/responses', { model: MODEL, input }, headers),
      await post('/v1/api/generate', { ...base, images: [url] }, headers),
      await post('/api/v1/images', { ...base, input_references: [{ type: 'image_url', image_url: { url } }] }, headers),
      await knock('/v1/images/edits', { method: 'POST', headers, body: parts }),
    ]
    // Two APIs have the status 402 for a lack of money.
    expect(answers.filter(({ status }) => status !== 429 && status !== 402)).toEqual([])
    expect([host.gets, upstream.calls.length]).toEqual([0, 0])
    await noneLeft()
  })
})

test('sixty-four URLs for a model of sixteen inputs are refused unread', async () => {
  const { key } = await team('acme')
  expect((await gemini(key, contents(64))).status).toBe(400)
  expect([host.gets, puts.mock.calls.length]).toEqual([0, 0])
})

test('the pictures behind URLs count towards the size of the request', async () => {
  const { key } = await team('acme')
  host.bytes = 3_000_000
  const response = await gemini(key, contents(4))
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('together larger than')])
  expect(host.gets).toBe(3)
  await noneLeft()
})

test('redirects of all pictures together are limited', async () => {
  const { key } = await team('acme')
  expect((await gemini(key, contents(16, '/to'))).status).toBe(400)
  expect(host.gets).toBeLessThanOrEqual(32)
})

test('one hundred inline pictures and an unknown field leave no object behind', async () => {
  const image_url = dataUrlOf(await picture('a', 30_000))
  const content = Array.from({ length: 100 }, () => ({ type: 'input_image', image_url }))
  const input = [{ role: 'user', content: [{ type: 'input_text', text: 'Mix' }, ...content] }]
  const response = await post('/v1/responses', { model: MODEL, input, wrong: true })
  expect(response.status).toBe(400)
  await noneLeft()
})

describe('a form of a model that the key may not have', () => {
  test.each([
    ['before the picture', true],
    ['behind the picture', false],
  ])('leaves nothing behind with its model %s', async (_, isFirst) => {
    const { key } = await team('acme', { models: ['house-art'] })
    const body = new FormData()
    if (isFirst) body.append('model', MODEL)
    body.append('image', await pictureFile('a', 2_000_000))
    if (!isFirst) body.append('model', MODEL)
    body.append('prompt', 'Mix')
    const headers = { authorization: `Bearer ${key}` }
    expect((await knock('/v1/images/edits', { method: 'POST', headers, body })).status).toBe(403)
    expect(puts.mock.calls.length).toBe(isFirst ? 0 : 1)
    await noneLeft()
  })
})

test('the pictures of a run are removed with it, and those of a stored or joined answer at once', async () => {
  const { key } = await team('acme')
  const edit = { model: MODEL, prompt: 'Tidy @delay=100', images: [{ image_url: dataUrlOf(await picture('a', 900)) }] }
  const send = (): Promise<Response> => post('/v1/images/edits', edit, { authorization: `Bearer ${key}` })
  const answers = await Promise.all([send(), send()])
  for (const answer of [...answers, await send()]) {
    expect(answer.status).toBe(200)
    await answer.arrayBuffer()
  }
  expect(upstream.calls).toHaveLength(1)
  await noneLeft()
})

test('the pictures of a refused edit are removed, and those of a request that meets the remembered refusal', async () => {
  const { key } = await team('acme')
  const image_url = dataUrlOf(await picture('a', 900))
  const edit = { model: MODEL, prompt: 'Tidy @fault=moderation', images: [{ image_url }] }
  for (let times = 0; times < 3; times++) {
    const answer = await post('/v1/images/edits', edit, { authorization: `Bearer ${key}` })
    expect(answer.status).toBe(400)
    await answer.text()
  }
  expect(upstream.calls).toHaveLength(1)
  await noneLeft()
})

test('a link of this gateway counts as a picture of the request', async () => {
  const { key } = await team('acme')
  const made = await (await ask(key)).json<{ data: { url: string }[] }>()
  const url = made.data[0]?.url ?? ''
  expect(url.startsWith(ORIGIN)).toBe(true)
  const images = [{ image_url: url }]
  const headers = { authorization: `Bearer ${key}` }
  expect((await post('/v1/images/edits', { model: MODEL, prompt: 'Tidy', images }, headers)).status).toBe(200)
  await noneLeft()
})
