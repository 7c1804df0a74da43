import { describe, expect, test } from 'vitest'
import { FakeGrsai } from '../support/fake-grsai'
import { errorOf, openai, post } from '../support/gateway'
import { dataUrlOf, picture, pictureFile } from '../support/pictures'
import { playing } from '../support/playing'
import { accountOf, asking, jobIn, run } from '../support/provider-run'

/** A base URL that ends in `/v1/api` is that of the new generation. */
const [upstream] = playing(new FakeGrsai('api'))

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: 'gpt-image-2', prompt, ...more })

test('a task is begun at the one endpoint and polled by its id', async () => {
  expect((await ask('A cat @delay=300', { size: '1024x1024' })).status).toBe(200)
  const [submit, ...looks] = upstream.sent
  expect(submit).toMatchObject({ path: '/v1/api/generate', headers: { authorization: 'Bearer key-of-the-fake' } })
  expect(submit?.body).toEqual({
    model: 'gpt-image-2',
    prompt: 'A cat @delay=300',
    aspectRatio: '1024x1024',
    replyType: 'async',
  })
  const [id] = upstream.jobs.keys()
  expect(looks.length).toBeGreaterThan(1)
  for (const { method, path } of looks) expect([method, path]).toEqual(['GET', `/v1/api/result?id=${id}`])
})

test("a picture to edit is sent as a data URL, also to Google's models", async () => {
  const bytes = await picture('one')
  const image = new File([bytes], 'one.png', { type: 'image/png' })
  await openai().images.edit({ model: 'gemini-3-pro-image', prompt: 'A cat', image })
  expect(upstream.sent[0]?.path).toBe('/v1/api/generate')
  expect(upstream.sent[0]?.body).toEqual({
    model: 'nano-banana-pro',
    prompt: 'A cat',
    aspectRatio: 'auto',
    images: [dataUrlOf(bytes)],
    replyType: 'async',
  })
})

test('sora-image gets its ratio in its one form', async () => {
  expect((await ask('A cat', { model: 'sora-image', size: '1024x1536' })).status).toBe(200)
  const body = { model: 'sora-image', prompt: 'A cat', aspectRatio: '2:3', replyType: 'async' }
  expect(upstream.sent[0]?.body).toEqual(body)
})

test('a parameter without a field is left out with a note, or refused without a substitute', async () => {
  const adapted = await ask('A cat', { quality: 'high', n: 2 })
  expect([adapted.status, adapted.headers.get('x-adjusted')]).toEqual([200, 'quality=high>auto'])
  const body = { model: 'gpt-image-2', prompt: 'A cat', replyType: 'async' }
  const submitted = upstream.sent.flatMap(({ method, body: sent }) => (method === 'POST' ? [sent] : []))
  expect(submitted).toEqual([body, body])
  const clear = await ask('A cat', { model: 'gpt-image-2.5-flare', background: 'transparent' })
  expect(await errorOf(clear)).toMatchObject({ status: 400, param: 'background' })
  const [image, mask] = [await pictureFile('one'), await pictureFile('mask')]
  const edit = openai().images.edit({ model: 'gpt-image-2', prompt: 'A cat', image, mask })
  await expect(edit).rejects.toMatchObject({ status: 400, param: 'mask' })
  expect(upstream.submits).toBe(2)
})

describe('when the upstream', () => {
  test.each([
    ['finds a violation', 'moderation', 400, 1],
    ['finds one at once', 'refused-at-once', 400, 1],
    ['has too many tasks', 'limited', 503, 0],
    ['has no credit left', 'billing', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
    ['answers with a web page', 'malformed', 502, undefined],
    ['fails', 'error', 502, undefined],
    ['names a URL that is gone', 'gone', 502, 1],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, submits ?? upstream.submits]).toEqual([status, upstream.submits])
  })
})

test("a run that resumes an earlier process's task begins none", async () => {
  const job = jobIn(await run(asking('A cat'), { upstream: accountOf(upstream) }))
  const told = await run(asking('A cat'), { upstream: accountOf(upstream), job })
  expect(told).toMatchObject([{ type: 'accepted', job }, { type: 'image' }, { type: 'summary' }])
  expect(upstream.submits).toBe(1)
})
