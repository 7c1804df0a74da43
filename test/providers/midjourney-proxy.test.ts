import { describe, expect, test, vi } from 'vitest'
import { FakeMidjourneyProxy } from '../support/fake-midjourney-proxy'
import { errorOf, openai, post } from '../support/gateway'
import { dataUrlOf, picture } from '../support/pictures'
import { playing } from '../support/playing'
import { accountOf, asking, run, runInNoTime, type Told } from '../support/provider-run'

const [upstream] = playing(new FakeMidjourneyProxy())

const ask = (prompt: string, more: Record<string, unknown> = {}): Promise<Response> =>
  post('/v1/images/generations', { model: 'midjourney', prompt, ...more })

const changes = (): unknown[] => upstream.sent.filter(({ path }) => path.endsWith('/change')).map(({ body }) => body)

test('a picture is made in a grid and cut out of it', async () => {
  const response = await ask('A cat @delay=300')
  const { data } = await response.json<{ data: { b64_json: string }[] }>()
  expect(data.map(({ b64_json }) => b64_json.slice(0, 11))).toEqual(['iVBORw0KGgo'])
  const [submit, look] = upstream.sent
  expect(submit).toMatchObject({
    method: 'POST',
    path: '/mj/submit/imagine',
    headers: { 'mj-api-secret': 'key-of-the-fake', 'content-type': 'application/json' },
  })
  expect(submit?.body).toEqual({ prompt: 'A cat @delay=300' })
  const [grid = ''] = upstream.jobs.keys()
  expect(look).toMatchObject({ method: 'GET', path: `/mj/task/${grid}/fetch` })
  expect(changes()).toEqual([{ taskId: grid, action: 'UPSCALE', index: 1 }])
  const [upscale = ''] = upstream.upscales.keys()
  expect(upstream.sent.at(-1)).toMatchObject({ method: 'GET', path: `/mj/task/${upscale}/fetch` })
})

test('several pictures are cut out of one grid', async () => {
  const response = await ask('A cat', { n: 3 })
  const { data } = await response.json<{ data: { b64_json: string }[] }>()
  expect(new Set(data.map(({ b64_json }) => b64_json)).size).toBe(3)
  const [grid] = upstream.jobs.keys()
  expect(changes()).toEqual([1, 2, 3].map((index) => ({ taskId: grid, action: 'UPSCALE', index })))
})

test('a size is a ratio within the prompt', async () => {
  const response = await ask('A cat', { size: '1360x768' })
  expect([response.status, upstream.sent[0]?.body]).toEqual([200, { prompt: 'A cat --ar 16:9' }])
})

test('reference pictures are sent with the prompt', async () => {
  const [one, two] = [await picture('one'), await picture('two')]
  const image = [one, two].map((bytes, at) => new File([bytes], `${at}.png`, { type: 'image/png' }))
  await openai().images.edit({ model: 'midjourney', prompt: 'A cat', image })
  const base64Array = [one, two].map((bytes) => dataUrlOf(bytes))
  expect(upstream.sent[0]?.body).toEqual({ prompt: 'A cat', base64Array })
})

describe('when the upstream', () => {
  test.each([
    ['refuses the prompt', 'moderation', 400, 0],
    ['refuses it once it has begun', 'late-moderation', 400, 1],
    ['finds the prompt wrong', 'invalid', 400, 0],
    ['has a full queue', 'limited', 503, 0],
    ['has no quota left', 'billing', 503, 0],
    ['rejects the key', 'unauthorized', 503, 0],
    ['answers with a web page', 'malformed', 502, undefined],
    ['fails', 'error', 502, undefined],
    ['names a URL that is gone', 'gone', 502, 2],
    ['ends without a picture', 'empty', 502, 2],
  ])('%s, the caller gets the right error', async (_, fault, status, submits) => {
    const response = await ask(`A cat @fault=${fault}`)
    expect([response.status, submits ?? upstream.submits]).toEqual([status, upstream.submits])
  })

  test('refuses the content, the caller gets a content refusal', async () => {
    const refused = await errorOf(await ask('A cat @fault=moderation'))
    expect(refused).toMatchObject({ code: 'moderation_blocked', message: 'May contain sensitive words' })
  })

  test('cannot cut out all pictures, the caller gets the others', async () => {
    const response = await ask('A cat @fault=partial', { n: 2 })
    expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(1)
  })

  test('does not know at once that its grid is ready, the grid is not made again', async () => {
    const { told } = await runInNoTime(asking('A cat @fault=not-yet', { model: 'midjourney' }), {
      upstream: accountOf(upstream),
    })
    expect(told.filter((event) => 'picture' in event)).toHaveLength(1)
    expect(upstream.jobs.size).toBe(1)
  })

  test('cannot be reached for a change, the change is sent again', async () => {
    const handle = upstream.handle.bind(upstream)
    let broken = 0
    const startMs = Date.now()
    vi.spyOn(upstream, 'handle').mockImplementation(async (request) => {
      if (!request.url.endsWith('/mj/submit/change') || broken++ > 0) return await handle(request)
      await request.text()
      vi.setSystemTime(startMs + 6000)
      throw new TypeError('connection lost')
    })
    const { told } = await runInNoTime(asking('A cat', { model: 'midjourney' }), { upstream: accountOf(upstream) })
    expect(told.filter((event) => 'picture' in event)).toHaveLength(1)
    expect([broken, upstream.jobs.size]).toEqual([2, 1])
  })

  test('cuts nothing out of its paid grid, the picture is lost', async () => {
    const told = await run(asking('A cat @fault=uncut', { model: 'midjourney' }), { upstream: accountOf(upstream) })
    expect(told.at(-1)).toMatchObject({ kind: 'lost' })
  })

  test('has no room for the second for long, the caller gets the first', async () => {
    const request = asking('A cat @fault=full-later', { model: 'midjourney', n: 2 })
    const { told } = await runInNoTime(request, { upstream: accountOf(upstream) })
    expect(told.filter((event) => 'picture' in event)).toHaveLength(1)
    expect(told.at(-1)).toMatchObject({ type: 'summary' })
  })
})

describe('a run that resumes a job of an earlier process', () => {
  const request = asking('A cat', { model: 'midjourney', n: 2 })
  const jobsIn = (told: Told[]): string[] =>
    told.flatMap((event) => ('type' in event && event.type === 'accepted' && event.job ? [event.job] : []))
  const runWith = (job?: string): Promise<Told[]> => run(request, { upstream: accountOf(upstream), job })

  test('begins no part again, wherever that process ended', async () => {
    const jobs = jobsIn(await runWith())
    expect(jobs).toHaveLength(3)
    for (const job of jobs) {
      expect((await runWith(job)).filter((event) => 'picture' in event)).toHaveLength(2)
    }
    expect([upstream.submits, upstream.jobs.size, upstream.upscales.size]).toEqual([3, 1, 2])
  })

  test('submits nothing if all of it had begun', async () => {
    const job = jobsIn(await runWith()).at(-1)
    upstream.sent.length = 0
    await runWith(job)
    expect(new Set(upstream.sent.map(({ method }) => method))).toEqual(new Set(['GET']))
  })
})

test('the progress of the whole is reported, with the grid as a part', async () => {
  const told = await run(asking('A cat @delay=100', { model: 'midjourney' }), { upstream: accountOf(upstream) })
  expect(told).toContainEqual({ type: 'progress', percent: 32 })
})
