import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { used } from '../support/accounting'
import { KEY, knock, ORIGIN, post } from '../support/gateway'
import { apiResult, type ApiTask, draw, drawResult, endOf, framesOf, generate, shows, toldDemo } from '../support/grsai'
import { internet } from '../support/internet'
import { called, cancel } from '../support/jobs'
import { picture } from '../support/pictures'
import { issue, team, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

/** Of a model that only the demo serves. */
const DRAWN = { model: 'nano-banana-pro' }

const taskOf = async (response: Response): Promise<ApiTask> => await response.json<ApiTask>()

/** The state of a task after its end. */
const ended = (id: string, key = KEY): Promise<ApiTask> =>
  vi.waitUntil(async () => {
    const task = await taskOf(await apiResult(id, key))
    return task.status !== 'running' && task
  })

describe.each([[undefined], ['json']])('an answer with the reply type %s', (replyType) => {
  test('is the task with its pictures', async () => {
    const response = await generate({ replyType, quality: 'low', aspectRatio: '1024x1024' })
    const task = await taskOf(response)
    const id = response.headers.get('x-generation-id')
    const results = [{ url: expect.stringContaining(`${ORIGIN}/images/${id}/`) }]
    expect(task).toEqual({ id, status: 'succeeded', progress: 100, results, error: '' })
    expect(await shows(task.results[0]?.url ?? '')).toBe(true)
    expect(Number(response.headers.get('x-cost-usd'))).toBeGreaterThan(0)
  })
})

describe('an answer', () => {
  test('is made once for both generations of the API', async () => {
    await endOf(await draw())
    expect((await generate()).headers.get('x-cache')).toBe('HIT')
    expect(upstream.calls).toHaveLength(1)
  })

  test.each(['/v1/api/generate', '/v1/api/edit'])('of %s may be an edit', async (path) => {
    const bytes = await picture('a')
    internet({ 'api.openai.com': upstream, 'pictures.example.com': { handle: () => new Response(bytes) } })
    const other = await picture('b')
    const images = [
      'https://pictures.example.com/a.png',
      `data:image/png;base64,${other.toBase64()}`,
      (await picture('c')).toBase64(),
    ]
    const task = await taskOf(await post(path, { model: 'gpt-image-2', prompt: 'A cat', images }))
    expect(task.status).toBe('succeeded')
    expect(upstream.calls).toMatchObject([{ path: '/v1/images/edits', files: [{}, {}, {}] }])
  })

  test('names the ignored fields', async () => {
    const response = await generate({ ...DRAWN, urls: [], webHook: '-1' })
    expect(response.headers.get('x-adjusted')).toBe('urls, webHook, model=nano-banana-pro>gemini-3-pro-image')
    expect(await taskOf(response)).toMatchObject({ status: 'succeeded' })
  })
})

describe('a stream', () => {
  test('has tasks as its frames', async () => {
    const demo = toldDemo()
    demo.at(40)
    const response = await generate({ ...DRAWN, replyType: 'stream' })
    demo.end()
    const id = response.headers.get('x-generation-id')
    const running = { id, status: 'running', results: [], error: '' }
    const results = [{ url: expect.stringContaining('/images/') }]
    expect(await framesOf<ApiTask>(response)).toEqual([
      { ...running, progress: 0 },
      { ...running, progress: 40 },
      { ...running, status: 'succeeded', progress: 100, results },
    ])
  })

  test('of a failed task ends with the failure as its last frame', async () => {
    const response = await generate({ prompt: 'A cat @fault=moderation', replyType: 'stream' })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(await framesOf<ApiTask>(response)).toMatchObject([{ status: 'violation', progress: 100, results: [] }])
  })
})

describe('a task with the reply type async', () => {
  test('is answered at once and polled', async () => {
    const { key } = await team('acme')
    const response = await generate({ replyType: 'async', prompt: 'A cat @delay=200' }, key)
    const task = await taskOf(response)
    expect(task).toEqual({ id: task.id, status: 'running', progress: 0, results: [], error: '' })
    expect(await taskOf(await apiResult(task.id, key))).toEqual(task)
    const { results, ...rest } = await ended(task.id, key)
    expect(rest).toEqual({ id: task.id, status: 'succeeded', progress: 100, error: '' })
    expect(await Promise.all(results.map(({ url }) => shows(url)))).toEqual([true])
  })

  test('has its progress', async () => {
    const demo = toldDemo()
    const { id } = await taskOf(await generate({ ...DRAWN, replyType: 'async' }))
    demo.at(40)
    await vi.waitUntil(async () => (await taskOf(await apiResult(id))).progress === 40)
    demo.end()
    expect(await ended(id)).toMatchObject({ status: 'succeeded' })
  })

  test.each([
    ['moderation', 'violation'],
    ['500', 'failed'],
  ])('has its failure (%s), at no cost', async (fault, status) => {
    const { key } = await team('acme', { budget_usd: 1 })
    const { id } = await taskOf(await generate({ replyType: 'async', prompt: `A cat @fault=${fault}` }, key))
    const error = expect.stringMatching(/ Nothing was charged\.$/)
    expect(await ended(id, key)).toEqual({ id, status, progress: 100, results: [], error })
    expect(await used('acme')).toBe(0)
  })

  test('has its cancellation', async () => {
    const { key } = await team('acme')
    const { id } = await taskOf(await generate({ replyType: 'async', prompt: 'A cat @delay=20000' }, key))
    await called(upstream, 1)
    await cancel(key, id)
    expect(await ended(id, key)).toMatchObject({ status: 'failed', error: expect.stringContaining('cancelled') })
  })

  test("is the same in the old generation of the API and in this gateway's", async () => {
    const { id } = await taskOf(await generate({ replyType: 'async' }))
    const { results } = await ended(id)
    expect((await drawResult(id)).data.results).toMatchObject(results)
    const { result } = await (await visit(KEY, `/v1/generations/${id}`)).json<{ result: ApiTask }>()
    expect(result).toEqual({ id, status: 'succeeded', progress: 100, results, error: '' })
  })

  test('is a 202 of this gateway with Prefer: respond-async', async () => {
    const response = await generate({}, KEY, { prefer: 'respond-async' })
    expect([response.status, await response.json()]).toMatchObject([202, { object: 'generation' }])
  })
})

describe('a failure', () => {
  const nothing = { id: '', status: 'failed', progress: 0, results: [] }

  test.each([
    ['moderation', 'violation'],
    ['422', 'failed'],
    ['500', 'failed'],
  ])('of the task (%s) has status 200', async (fault, status) => {
    const { key } = await team('acme', { budget_usd: 1 })
    const response = await generate({ prompt: `A cat @fault=${fault}` }, key)
    expect(response.status).toBe(200)
    const error = expect.stringMatching(/ Nothing was charged\.$/)
    expect(await taskOf(response)).toEqual({
      id: expect.stringMatching(/^gen_/),
      status,
      progress: 100,
      results: [],
      error,
    })
    expect(await used('acme')).toBe(0)
  })

  test('of a task without its picture says nothing about charges, since it may be billed', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const task = await taskOf(await generate({ prompt: 'A cat @fault=not-an-image' }, key))
    expect(task).toMatchObject({ status: 'failed', error: expect.not.stringContaining('charged') })
    expect(await used('acme')).toBeGreaterThan(0)
  })

  test('of this gateway says nothing about charges', async () => {
    vi.spyOn(env.GENERATIONS, 'getByName').mockImplementation(() => {
      throw new Error('the object is lost')
    })
    const task = await taskOf(await generate())
    expect(task).toMatchObject({ status: 'failed', error: expect.not.stringContaining('charged') })
  })

  test.each([
    ['no prompt', { prompt: '' }, 400, "'prompt'"],
    ['a model without an upstream', { model: 'sora-2' }, 400, "'sora-2' does not exist"],
    ['another reply type', { replyType: 'fax' }, 400, "'fax'"],
    ['a malformed picture', { images: ['bm90aGluZw=='] }, 400, 'Invalid image file'],
    ['a picture that is not public', { images: ['https://10.0.0.1/a.png'] }, 400, "'images[0]'"],
  ])('before the task (%s) has a status of its own', async (_, body, status, words) => {
    const response = await generate(body)
    expect(response.status).toBe(status)
    expect(await taskOf(response)).toEqual({ ...nothing, error: expect.stringContaining(words) })
  })

  test('of the limits has a status of its own and the time of a retry', async () => {
    const { key } = await team('acme', { requests_per_minute: 1 })
    await taskOf(await generate({}, key))
    const response = await generate({ prompt: 'A dog' }, key)
    expect([response.status, Number(response.headers.get('retry-after')) > 0]).toEqual([429, true])
    expect(await taskOf(response)).toMatchObject(nothing)
  })

  test.each(['json', 'stream', 'async'])('of the budget has a status of its own (%s)', async (replyType) => {
    await team('acme')
    const { key } = await issue('acme', { limits: { budget_usd: 0 } })
    const response = await generate({ replyType }, key)
    expect([response.status, await taskOf(response)]).toMatchObject([402, nothing])
  })

  test('without a key has a status of its own', async () => {
    const response = await knock('/v1/api/generate', { method: 'POST', body: '{}' })
    expect([response.status, await taskOf(response)]).toMatchObject([401, nothing])
  })
})

describe('the result of a task', () => {
  test.each(['', 'gen_1', `gen_${'0'.repeat(64)}`])('under the unknown id %j is not found', async (id) => {
    const response = await apiResult(id)
    expect([response.status, await taskOf(response)]).toMatchObject([404, { id: '', status: 'failed', results: [] }])
  })

  test('is visible to its team alone', async () => {
    const [acme, other] = [await team('acme'), await team('other')]
    const { id } = await taskOf(await generate({ replyType: 'async' }, acme.key))
    expect((await apiResult(id, other.key)).status).toBe(404)
    expect((await apiResult(id, acme.key)).status).toBe(200)
  })

  test('needs a key', async () => {
    const response = await knock(`/v1/api/result?id=gen_${'0'.repeat(64)}`)
    expect([response.status, await taskOf(response)]).toMatchObject([401, { status: 'failed' }])
  })
})
