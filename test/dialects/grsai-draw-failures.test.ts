import { describe, expect, test } from 'vitest'
import { ProviderError } from '../../src/providers/provider'
import { audit, used, usageRows } from '../support/accounting'
import { knock, post } from '../support/gateway'
import { draw, drawResult, type DrawTask, endOf, framesOf, taken, toldDemo, type Wrapped } from '../support/grsai'
import { issue, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

/** The answer to a request without a task. */
async function refusalOf(response: Response): Promise<Wrapped<null> & { status: number; type: string | null }> {
  const { status, headers } = response
  return { status, type: headers.get('content-type'), ...(await response.json<Wrapped<null>>()) }
}

const REFUSED = { status: 200, type: 'application/json', code: -1, data: null }

describe('refused before the task begins, with status 200 and code -1,', () => {
  test.each([
    ['no prompt', {}, "Missing required parameter: 'prompt'."],
    ['a blank prompt', { prompt: '' }, "Missing required parameter: 'prompt'."],
    ['a model without an upstream', { model: 'sora-2' }, "The model 'sora-2' does not exist."],
    ['too many variants', { variants: 3 }, "Invalid 'variants': integer above maximum value."],
    ['variants that are not a number', { variants: 'two' }, "Invalid type for 'variants'"],
    ['a malformed size', { size: 'large' }, "Invalid value for 'size'. Send auto, a ratio as 16:9, or pixels"],
    ['a malformed resolution', { imageSize: '8K' }, "Invalid value: '8K'."],
    ['a size that the model does not make', { size: '1000x300' }, "Invalid size '1000x300'."],
    ['a quality that the model lacks', { quality: 'best' }, "Invalid value: 'best'."],
    ['a mask alone', { mask: 'https://pictures.example.com/m.png' }, "Send that in 'urls'"],
    ['a malformed picture', { urls: ['bm90aGluZw=='] }, 'Invalid image file or mode for image 1'],
    ['a picture that is not public', { urls: ['https://10.0.0.1/a.png'] }, "The image at 'urls[0]' could not be read"],
    ['a picture that is not a text', { urls: [1] }, "Invalid type for 'urls[0]'"],
    ['pictures that are not a list', { urls: { url: 'a' } }, "Invalid type for 'urls'"],
    ['a malformed webhook URL', { webHook: 'soon' }, "Invalid 'webHook'"],
    ['a webhook that is not public', { webHook: 'https://10.0.0.1/in' }, "Invalid 'webHook'"],
    [
      'many unknown parameters',
      Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`p${at}`, 1])),
      "Unknown parameter: 'p8'.",
    ],
  ])('%s', async (what, body, message) => {
    const prompt = what.endsWith('prompt') ? undefined : 'A cat'
    const refusal = await refusalOf(await draw({ prompt, ...body }))
    expect(refusal).toEqual({ ...REFUSED, msg: expect.stringContaining(message) })
    expect(upstream.calls).toHaveLength(0)
  })

  test('seventeen pictures', async () => {
    const urls = Array.from({ length: 17 }, (_, at) => `https://pictures.example.com/${at}.png`)
    expect(await refusalOf(await draw({ urls }))).toMatchObject({ ...REFUSED, msg: expect.stringContaining('16') })
  })

  test.each([
    ['no JSON', '{', 'application/json', 'We could not parse the JSON body'],
    ['no JSON by its type', '{}', 'text/plain', 'Unsupported content type'],
  ])('%s', async (_, body, type, message) => {
    const response = await post('/v1/draw/completions', body, { 'content-type': type })
    expect(await refusalOf(response)).toEqual({ ...REFUSED, msg: expect.stringContaining(message) })
  })

  test.each([[{}], [{ authorization: 'Bearer sk-wrong' }]])('a request with the key %j', async (headers) => {
    const response = await knock('/v1/draw/completions', { method: 'POST', headers, body: '{}' })
    expect(await refusalOf(response)).toEqual({ ...REFUSED, msg: expect.stringMatching(/API key/) })
    expect(response.headers.get('x-request-id')).toMatch(/^req_/)
  })

  test('one request too many in a minute, with the time of a retry', async () => {
    const { key } = await team('acme', { requests_per_minute: 1 })
    await endOf(await draw({}, key))
    const response = await draw({ prompt: 'A dog' }, key)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('0')
    expect(await refusalOf(response)).toMatchObject(REFUSED)
    expect(upstream.calls).toHaveLength(1)
  })

  test.each([{}, { webHook: '-1' }])("a request over the budget, in the vendor's words (%j)", async (body) => {
    const { key } = await team('acme', { budget_usd: 0 })
    const refusal = await refusalOf(await draw(body, key))
    expect(refusal).toMatchObject({ ...REFUSED, msg: expect.stringMatching(/^insufficient credits: /) })
  })

  test("more variants than the key's limit", async () => {
    await team('acme')
    const { key } = await issue('acme', { limits: { max_n: 1 } })
    const refusal = await refusalOf(await draw({ variants: 2 }, key))
    expect(refusal).toMatchObject({ ...REFUSED, msg: expect.stringContaining("'variants'") })
  })
})

describe('a task that fails', () => {
  test.each([
    ['is moderated', '@fault=moderation', 'input_moderation'],
    ['is refused by its upstream', '@fault=422', 'error'],
    ['has an upstream that is down', '@fault=500', 'error'],
  ])('since it %s is a stream with one frame, at no cost', async (_, marker, reason) => {
    const { key } = await team('acme', { budget_usd: 1 })
    const response = await draw({ prompt: `A cat ${marker}` }, key)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    const [task, ...others] = await framesOf(response)
    expect(task).toMatchObject({ status: 'failed', progress: 100, failure_reason: reason, results: [], url: '' })
    expect(task?.error).toMatch(/ Nothing was charged\.$/)
    expect(others).toEqual([])
    expect(await used('acme')).toBe(0)
    expect(await usageRows('acme')).toMatchObject([{ failures: 1, images: 0, cost_usd: 0 }])
  })

  test('since its upstream sends no picture does not say that nothing was charged', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const [task] = await framesOf(await draw({ prompt: 'A cat @fault=not-an-image' }, key))
    expect(task).toMatchObject({ status: 'failed', error: expect.not.stringContaining('charged') })
    expect(await used('acme')).toBeGreaterThan(0)
  })

  test('is found by its id', async () => {
    const { key } = await team('acme')
    const { id } = await endOf(await draw({ prompt: 'A cat @fault=500' }, key))
    expect(await audit('acme')).toMatchObject([{ id, status: 'failed' }])
    expect(await drawResult(id, key)).toMatchObject({
      code: 0,
      data: { id, status: 'failed', failure_reason: 'error' },
    })
  })

  test('after its stream has begun ends it with its failure', async () => {
    const demo = toldDemo()
    demo.at(40)
    const response = await draw({ model: 'nano-banana-pro' })
    demo.end(new ProviderError('unavailable', 'is down'))
    const frames = await framesOf(response)
    expect(frames.map(({ status, progress }) => [status, progress])).toEqual([
      ['running', 0],
      ['running', 40],
      ['failed', 100],
    ])
    expect(frames.at(-1)).toMatchObject({ id: response.headers.get('x-generation-id'), failure_reason: 'error' })
  })

  test('by moderation is refused again without an upstream call', async () => {
    const prompt = 'A cat @fault=moderation'
    await endOf(await draw({ prompt }))
    expect(await endOf(await draw({ prompt }))).toMatchObject({ failure_reason: 'input_moderation' })
    expect(await refusalOf(await draw({ prompt, webHook: '-1' }))).toMatchObject(REFUSED)
    expect(upstream.calls).toHaveLength(1)
  })

  test('is made again for a later request', async () => {
    const prompt = 'A cat @twice=500'
    expect(await endOf(await draw({ prompt }))).toMatchObject({ status: 'failed' })
    expect(await endOf(await draw({ prompt }))).toMatchObject({ status: 'succeeded' })
  })
})

describe('the result of a task', () => {
  const UNKNOWN = { code: -22, data: null }

  test.each(['gen_1', '14-5f3cf761', `gen_${'0'.repeat(64)}`, '../gen'])('%j with an unknown id', async (id) => {
    expect(await drawResult(id)).toMatchObject(UNKNOWN)
  })

  test('is visible to its team alone', async () => {
    const [acme, other] = [await team('acme'), await team('other')]
    const id = await taken({}, acme.key)
    expect(await drawResult(id, other.key)).toMatchObject(UNKNOWN)
    expect(await drawResult(id, acme.key)).toMatchObject({ code: 0, msg: 'success', data: { id } })
  })

  test.each([
    ['without an id', { name: 'a' }, "Missing required parameter: 'id'."],
    ['with a blank id', { id: '' }, "Missing required parameter: 'id'."],
    ['with an id that is not a text', { id: 1 }, "Invalid type for 'id'"],
    ['without JSON', '{', 'We could not parse the JSON body'],
  ])('%s is refused', async (_, body, message) => {
    const response = await post('/v1/draw/result', body)
    expect(await refusalOf(response)).toEqual({ ...REFUSED, msg: expect.stringContaining(message) })
  })

  test('needs a key', async () => {
    const task: Wrapped<DrawTask> = await drawResult(`gen_${'0'.repeat(64)}`, 'sk-wrong')
    expect(task).toMatchObject({ code: -1, msg: expect.stringMatching(/API key/) })
  })
})
