import { describe, expect, test } from 'vitest'
import { catalogueOf } from '../../src/upstreams/catalogue'
import { successorOf } from '../../src/upstreams/retirement'
import { configOf } from '../../src/config'
import { grsaiProvider } from '../../src/providers/grsai'
import { candidates } from '../../src/upstreams/candidates'
import { FakeGrsai } from '../support/fake-grsai'
import { errorOf, openai, post } from '../support/gateway'
import { dataUrlOf, picture } from '../support/pictures'
import { playing } from '../support/playing'
import { accountOf, asking, jobIn, run } from '../support/provider-run'
import { environment } from '../support/settings'

const [upstream] = playing(new FakeGrsai())

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: 'gpt-image-2', prompt, ...more })

const file = (bytes: Uint8Array<ArrayBuffer>, name: string): File => new File([bytes], name, { type: 'image/png' })

test('a task is begun and polled until its picture can be fetched', async () => {
  const response = await ask('A cat @delay=300')
  const { data } = await response.json<{ data: { b64_json: string }[] }>()
  expect(data[0]?.b64_json).toMatch(/^iVBORw0KGgo/)
  const [submit, ...looks] = upstream.sent
  expect(submit).toMatchObject({ method: 'POST', path: '/v1/draw/completions' })
  expect(submit?.headers).toMatchObject({
    authorization: 'Bearer key-of-the-fake',
    'content-type': 'application/json',
  })
  expect(submit?.body).toEqual({ model: 'gpt-image-2', prompt: 'A cat @delay=300', webHook: '-1' })
  const [id] = upstream.jobs.keys()
  expect(looks.length).toBeGreaterThan(1)
  for (const { path, body } of looks) expect([path, body]).toEqual(['/v1/draw/result', { id }])
})

test('a GPT model gets every parameter', async () => {
  await ask('A cat', { size: '1536x1024', quality: 'high', background: 'opaque' })
  expect(upstream.sent[0]?.body).toEqual({
    model: 'gpt-image-2',
    prompt: 'A cat',
    aspectRatio: '1536x1024',
    quality: 'high',
    background: 'opaque',
    webHook: '-1',
  })
})

test('pictures to edit, and a mask, are sent as data URLs', async () => {
  const [one, two, mask] = [await picture('one'), await picture('two'), await picture('mask')]
  await openai().images.edit({
    model: 'gpt-image-2',
    prompt: 'A cat',
    image: [file(one, '1.png'), file(two, '2.png')],
    mask: file(mask, 'mask.png'),
  })
  expect(upstream.sent[0]?.body).toEqual({
    model: 'gpt-image-2',
    prompt: 'A cat',
    urls: [dataUrlOf(one), dataUrlOf(two)],
    mask: dataUrlOf(mask),
    webHook: '-1',
  })
})

test.each([
  [{ size: '2752x1536' }, { aspectRatio: '16:9', imageSize: '2K' }],
  [{ size: '1024x1024' }, { aspectRatio: '1:1', imageSize: '1K' }],
  [{}, { aspectRatio: 'auto' }],
])("Google's models get ratio and resolution under their names there: %o", async (asked, sent) => {
  expect((await ask('A cat', { model: 'gemini-3-pro-image', ...asked })).status).toBe(200)
  const { path, body } = upstream.sent[0] ?? {}
  expect(path).toBe('/v1/draw/nano-banana')
  expect(body).toEqual({ model: 'nano-banana-pro', prompt: 'A cat', ...sent, webHook: '-1' })
})

test('two pictures of sora-image are one task, in its ratios', async () => {
  const response = await ask('A cat', { model: 'sora-image', n: 2, size: '1024x1536' })
  expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
  const body = { model: 'sora-image', prompt: 'A cat', size: '2:3', variants: 2, webHook: '-1' }
  expect([upstream.sent[0]?.body, upstream.submits]).toEqual([body, 1])
})

test('so are two of a GPT model, with the second at a lower price', async () => {
  const response = await ask('A cat', { n: 2 })
  expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(2)
  expect(upstream.sent[0]?.body).toEqual({ model: 'gpt-image-2', prompt: 'A cat', variants: 2, webHook: '-1' })
  expect(upstream.submits).toBe(1)
})

test('one finished picture of two is delivered', async () => {
  const response = await ask('A cat @fault=partial', { model: 'sora-image', n: 2 })
  expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(1)
})

test('a picture beside the list of results is found', async () => {
  expect((await ask('A cat @fault=first-only')).status).toBe(200)
})

describe('when the upstream', () => {
  test.each([
    ['refuses the prompt', 'moderation', 400, 1],
    ['refuses it at once', 'refused-at-once', 400, 1],
    ['refuses the picture that it made', 'output-moderation', 400, 1],
    ['has too many tasks', 'limited', 503, 0],
    ['has no credit left', 'billing', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
    ['answers with a web page', 'malformed', 502, undefined],
    ['fails', 'error', 502, undefined],
    ['names a URL that is gone', 'gone', 502, 1],
    ['ends without a picture', 'empty', 502, 1],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, submits ?? upstream.submits]).toEqual([status, upstream.submits])
  })

  test('refuses the content, the caller gets a content refusal', async () => {
    const refused = await errorOf(await ask('A cat @fault=output-moderation'))
    expect(refused).toMatchObject({ code: 'moderation_blocked', message: expect.stringContaining('picture that was') })
  })
})

test("a run that resumes an earlier process's task begins none", async () => {
  const job = jobIn(await run(asking('A cat'), { upstream: accountOf(upstream) }))
  upstream.sent.length = 0
  expect(await run(asking('A cat'), { upstream: accountOf(upstream), job })).toMatchObject([
    { type: 'accepted', job },
    { type: 'image' },
    { type: 'summary' },
  ])
  expect([upstream.submits, upstream.sent.map(({ path }) => path)]).toEqual([1, ['/v1/draw/result']])
})

test('the progress of a task is reported', async () => {
  const heard = await run(asking('A cat @delay=100'), { upstream: accountOf(upstream) })
  expect(heard).toContainEqual({ type: 'progress', percent: 40 })
})

describe("of a model's abilities, it offers", () => {
  const of = (name: string, theirs = name) => grsaiProvider.capability?.(catalogueOf({})(name), theirs)

  test('png alone, and no parameter that it lacks', () => {
    const capability = of('gpt-image-2')
    expect(capability).toMatchObject({ formats: ['png'], moderations: ['auto'], compression: false, maxImages: 2 })
    expect(capability).toMatchObject({ backgrounds: ['opaque', 'auto'], sizes: { kind: 'free' }, mask: true })
    expect(capability?.qualities).toEqual(['low', 'medium', 'high', 'auto'])
  })

  test('the ratios that both have', () => {
    const sizes = of('gemini-nano-banana-2.1', 'nano-banana-2')?.sizes
    expect(sizes?.kind === 'shaped' ? [sizes.shapes.length, sizes.scales] : sizes).toEqual([10, [1, 2, 4]])
    expect(of('gpt-image-2', 'sora-image')).toMatchObject({ sizes: { kind: 'shaped' }, maxImages: 2, mask: false })
  })

  test("the API's abilities, for an unknown model", () => {
    expect(of('gpt-image-9')).toMatchObject({ sizes: { kind: 'unknown' }, formats: ['png'], maxInputs: 16 })
  })
})

test('the secret alone enables its own names and those of others that it can make', () => {
  const config = configOf({ ...environment(), UPSTREAMS: undefined, GRSAI_API_KEY: 'sk-grsai' })
  const served = (name: string) => candidates(config, name, Date.now()).map(({ model }) => model)
  expect(served('gpt-image-2')).toEqual(['gpt-image-2'])
  expect(served('nano-banana-fast')).toEqual(['nano-banana-fast'])
  expect(served('gemini-3-pro-image')).toEqual(['nano-banana-pro'])
  const successor = successorOf('gpt-image-1.5', config.catalogue, Date.parse('2026-12-01')) ?? ''
  expect(served(successor)).toEqual([successor])
})
