import { abortAllDurableObjects } from 'cloudflare:test'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations } from '../support/alarms'
import { BUILT_IN } from '../../src/upstreams/built-in'
import { fireworksProvider } from '../../src/providers/fireworks'
import { FakeFireworks } from '../support/fake-fireworks'
import { errorOf, openai, post } from '../support/gateway'
import { internet } from '../support/internet'
import { ended, job } from '../support/jobs'
import { dataUrlOf, picture, pictureFile } from '../support/pictures'
import { playing } from '../support/playing'
import { team } from '../support/teams'

const [upstream] = playing(new FakeFireworks())

const PNG = expect.stringMatching(/^iVBORw0KGgo/)
const KONTEXT = '/inference/v1/workflows/accounts/fireworks/models/flux-kontext-pro'

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: 'flux-1-schnell-fp8', prompt, ...more })

describe('the request', () => {
  test('is a prompt, to the workflow of the model', async () => {
    const { data } = await (await ask('A cat')).json<{ data: { b64_json: string }[] }>()
    expect(data.map(({ b64_json }) => b64_json)).toEqual([PNG])
    expect(upstream.sent).toMatchObject([
      {
        method: 'POST',
        path: '/inference/v1/workflows/accounts/fireworks/models/flux-1-schnell-fp8/text_to_image',
        headers: {
          authorization: 'Bearer key-of-the-fake',
          'content-type': 'application/json',
          accept: 'image/png',
        },
      },
    ])
    expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat' })
  })

  test('has the size as an aspect ratio, the format and the seed, also for a full model name', async () => {
    const model = 'accounts/fireworks/models/flux-1-schnell-fp8'
    const said = { model, prompt: 'A cat', aspect_ratio: '16:9', output_format: 'jpeg', seed: 7 }
    expect((await post('/api/v1/images', said)).status).toBe(200)
    expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', aspect_ratio: '16:9', seed: 7 })
    expect(upstream.sent[0]?.headers).toMatchObject({ accept: 'image/jpeg' })
  })

  test('has the size in pixels for a model without a workflow', async () => {
    expect((await ask('A cat', { model: 'sdxl', size: '1024x1024' })).status).toBe(200)
    expect(upstream.sent).toMatchObject([
      { path: '/inference/v1/image_generation/accounts/fireworks/models/stable-diffusion-xl-1024-v1-0' },
    ])
    expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', width: 1024, height: 1024 })
  })

  test('is a job for an edit, polled by its id', async () => {
    const one = await picture('one')
    const image = new File([one], 'one.png', { type: 'image/png' })
    const said = { model: 'flux-kontext-pro', prompt: 'A cat @delay=300', image }
    const { data } = await openai().images.edit(said)
    expect(data).toEqual([expect.objectContaining({ b64_json: PNG })])
    const [submit, ...looks] = upstream.sent
    expect(submit).toMatchObject({ path: KONTEXT, headers: { authorization: 'Bearer key-of-the-fake' } })
    expect(submit?.body).toEqual({
      prompt: 'A cat @delay=300',
      input_image: dataUrlOf(one),
    })
    const [id] = upstream.jobs.keys()
    expect(looks.length).toBeGreaterThan(1)
    for (const look of looks) expect(look).toMatchObject({ path: `${KONTEXT}/get_result`, body: { id } })
  })
})

test('a job of Kontext survives the process that began it, and is not begun again', async () => {
  const { key } = await team('acme')
  const id = await job(key, {
    model: 'flux-kontext-pro',
    prompt: 'A cat @delay=1500',
    quality: undefined,
    size: undefined,
  })
  await vi.waitUntil(() => [...upstream.jobs.values()].some(({ looks }) => looks > 0))
  await abortAllDurableObjects()
  await ringGenerations()
  expect(await ended(key, id)).toMatchObject({ status: 'succeeded', result: { data: [{}] } })
  expect(upstream.submits).toBe(1)
})

describe('the parameters', () => {
  test('of Kontext are one input picture and no size, whatever its maker allows', () => {
    const model = BUILT_IN.get('flux-kontext-pro')
    const sizes = { kind: 'listed', sizes: [] }
    expect(model && fireworksProvider.capability?.(model, 'flux-kontext-pro')).toMatchObject({
      maxInputs: 1,
      sizes,
      formats: ['png'],
      extras: [],
    })
  })

  test('of an unknown model are aspect ratio, format and seed', () => {
    const can = { maxInputs: 0, sizes: { kind: 'shaped' }, formats: ['png', 'jpeg'], extras: ['seed'] }
    expect(fireworksProvider.capability?.({ sizes: { kind: 'unknown' } }, 'house-art')).toMatchObject(can)
  })

  test('of Kontext drop the size, with a note', async () => {
    const response = await ask('A cat', { model: 'flux-kontext-pro', size: '1024x1024' })
    expect([response.status, response.headers.get('x-adjusted')]).toEqual([200, 'size=1024x1024>auto'])
  })

  test('of Kontext drop the size with a note even where settings hide the model', async () => {
    const response = await ask('A cat', { model: 'house-kontext', size: '1024x1024' })
    expect([response.status, upstream.sent]).toEqual([503, []])
  })
})

describe('when the upstream', () => {
  test.each([
    ['refuses the prompt', 'moderation', 400],
    ['refuses the prompt in a text', 'text-moderation', 400],
    ['refuses the request', 'invalid', 400],
    ['has had too many requests', 'limited', 503],
    ['has not been paid', 'billing', 503],
    ['rejects the key', 'unauthorized', 503],
  ])('%s, the caller gets the right error, and no picture was made', async (_, fault, status) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, upstream.submits]).toEqual([status, 0])
  })

  test.each([
    ['fails', 'error'],
    ['answers with an error under status 200', 'error-inside'],
    ['answers with a web page', 'malformed'],
  ])('%s, the caller gets a failure', async (_, fault) => {
    expect((await ask(`A cat @fault=${fault}`)).status).toBe(502)
  })

  test.each([
    ['refuses the picture that it made', 'job-moderation', 400, 1],
    ['is ready without a picture', 'empty-job', 502, 1],
    ['names a URL that is gone', 'gone', 502, 1],
  ])('%s, the caller of Kontext gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`, { model: 'flux-kontext-pro' })
    expect([response.status, upstream.submits]).toEqual([status, submits])
  })

  test.each([400, 413, 422])(
    'is behind a proxy that answers with a page (%i), no tag reaches the caller',
    async (status) => {
      const page = '<html><body>Blocked for our safety</body></html>'
      const handle = (): Response => new Response(page, { status, headers: { 'content-type': 'text/html' } })
      internet({ 'fireworks.example.com': { handle } })
      expect(await errorOf(await ask('A cat'))).toMatchObject({
        status: 400,
        code: 'invalid_value',
        message: expect.not.stringContaining('<'),
      })
    },
  )

  test('fails at a job, the caller gets a failure', async () => {
    expect((await ask('A cat @fault=job-error', { model: 'flux-kontext-pro' })).status).toBe(502)
  })

  test('lacks a model, the caller gets no_upstream', async () => {
    expect((await ask('A cat', { model: 'elsewhere' })).status).toBe(503)
  })

  test.each([
    ['moderation', 'moderation_blocked', 'The prompt was refused by the content policy of the model.'],
    ['text-moderation', 'moderation_blocked', 'NSFW content was found in the prompt.'],
    ['invalid', 'invalid_value', 'The prompt is in no language that is known.'],
  ])('names the reason, the caller gets it (@fault=%s)', async (fault, code, message) => {
    expect(await errorOf(await ask(`A cat @fault=${fault}`))).toMatchObject({ status: 400, code, message })
  })
})

test('a job is polled again after a failed poll, however long that took', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  let looks = 0
  const handle = async (request: Request): Promise<Response> => {
    if (!request.url.endsWith('/get_result') || ++looks > 1) return await upstream.handle(request)
    vi.setSystemTime(Date.now() + 5500)
    throw new TypeError('Network connection lost.')
  }
  internet({ 'fireworks.example.com': { handle } })
  const image = await pictureFile('one')
  const { data } = await openai().images.edit({ model: 'flux-kontext-pro', prompt: 'A cat', image })
  expect([data?.length, upstream.submits]).toEqual([1, 1])
})
