import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { errorOf, knock } from './support/gateway'
import { ask, issue, team, visit } from './support/teams'
import { upstreams } from './support/upstreams'

const { upstream } = upstreams()

interface GenerationJson {
  id: string
  prompt: string
  images: { url: string }[]
  cost_usd: number
}
interface Page {
  data: GenerationJson[]
  has_more: boolean
  next_cursor: string | null
}

const pageOf = async (key: string, query = ''): Promise<Page> =>
  await (await visit(key, `/v1/generations${query}`)).json<Page>()

/** Makes a picture; returns the id of its generation. */
const made = async (key: string, body: Record<string, unknown> = {}): Promise<string> =>
  (await ask(key, body)).headers.get('x-generation-id') ?? ''

const prompts = ({ data }: Page): string[] => data.map(({ prompt }) => prompt)

describe('the history of a team', () => {
  test('is paged from the newest, each entry exactly once', async () => {
    const { key } = await team('acme')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    for (const prompt of ['first', 'second', 'third']) {
      vi.setSystemTime(Date.now() + 1000)
      await made(key, { prompt })
    }
    const [newer, older] = [await pageOf(key, '?limit=2'), await pageOf(key, '?limit=3')]
    expect([prompts(newer), newer.has_more]).toEqual([['third', 'second'], true])
    const rest = await pageOf(key, `?limit=2&cursor=${newer.next_cursor}`)
    expect([prompts(rest), rest.has_more, rest.next_cursor]).toEqual([['first'], false, null])
    expect([prompts(older), older.has_more]).toEqual([['third', 'second', 'first'], false])
  })

  test('has each entry once, even for equal milliseconds', async () => {
    const { key } = await team('acme')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    const all = Array.from({ length: 7 }, (_, index) => `cat ${index}`)
    for (const prompt of all) await made(key, { prompt })
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Page = await pageOf(key, `?limit=2${cursor && `&cursor=${cursor}`}`)
      expect(page.data.length).toBeLessThanOrEqual(2)
      seen.push(...prompts(page))
      cursor = page.next_cursor
    }
    expect(seen.toSorted()).toEqual(all)
  })

  test('is stable while new entries arrive', async () => {
    const { key } = await team('acme')
    for (const prompt of ['first', 'second', 'third']) await made(key, { prompt })
    const { next_cursor } = await pageOf(key, '?limit=2')
    await made(key, { prompt: 'fourth' })
    expect((await pageOf(key, `?cursor=${next_cursor}`)).data).toHaveLength(1)
  })

  test('has the request, the outcome and the cost of each entry', async () => {
    const { key, id: keyId } = await team('acme')
    const response = await ask(key, { n: 2 })
    const [text, told] = [expect.any(String), expect.stringMatching(/^\d{4}-\d\d-\d\dT/)]
    expect((await pageOf(key)).data).toEqual([
      {
        object: 'generation',
        id: response.headers.get('x-generation-id'),
        key: keyId,
        request_id: response.headers.get('x-request-id'),
        status: 'succeeded',
        error: null,
        created_at: told,
        started_at: told,
        ended_at: told,
        latency_ms: expect.any(Number),
        model: 'gpt-image-2',
        served_model: 'gpt-image-2',
        upstream: 'openai',
        operation: 'generate',
        prompt: 'A cat',
        n: 2,
        size: '1024x1024',
        quality: 'low',
        images: [{ url: text }, { url: text }],
        cost_usd: Number(response.headers.get('x-cost-usd')),
        estimated_usd: 0,
      },
    ])
  })

  test('has failures, at no cost', async () => {
    const { key } = await team('acme')
    await ask(key, { prompt: 'A cat @fault=500' })
    const error = { code: 'upstream_failed', message: null, param: null }
    const failure = { status: 'failed', error, images: [], cost_usd: 0, upstream: 'openai' }
    expect((await pageOf(key)).data).toMatchObject([failure])
  })

  test('covers all keys of the team, or one', async () => {
    const { key, id } = await team('acme')
    const other = await issue('acme')
    await made(key, { prompt: 'mine' })
    await made(other.key, { prompt: 'yours' })
    expect(prompts(await pageOf(key)).toSorted()).toEqual(['mine', 'yours'])
    expect(prompts(await pageOf(other.key, `?key=${id}`))).toEqual(['mine'])
  })

  test('has neither hits nor requests refused by a limit', async () => {
    const { key } = await team('acme', { max_n: 1, requests_per_day: 3 })
    for (const body of [{}, {}, { n: 2 }, {}]) await ask(key, body)
    expect((await pageOf(key)).data).toHaveLength(1)
  })

  test.each(['limit=0', 'limit=101', 'limit=x', 'cursor=x', 'cursor=1', 'cursor=1.%27', 'cursor=-1.a'])(
    'is refused with %s',
    async (query) => {
      const { key } = await team('acme')
      const param = query.replace(/=.*/, '')
      expect(await errorOf(await visit(key, `/v1/generations?${query}`))).toMatchObject({ status: 400, param })
    },
  )
})

describe('a generation', () => {
  test('is shown with links that open', async () => {
    const { key } = await team('acme')
    const id = await made(key)
    const shown = await (await visit(key, `/v1/generations/${id}`)).json<GenerationJson>()
    const asks = { progress: { percent: 100, estimated: false }, queued_before: null, result: null }
    expect(shown).toEqual({ ...(await pageOf(key)).data[0], ...asks })
    expect((await knock(shown.images[0]?.url ?? '')).headers.get('content-type')).toBe('image/png')
  })

  test('is shown during its run', async () => {
    const { key } = await team('acme')
    const answer = ask(key, { prompt: 'A cat @delay=200' })
    await vi.waitUntil(() => upstream.calls.length === 1)
    const [running] = (await pageOf(key)).data
    expect(running).toMatchObject({ status: 'running', ended_at: null, latency_ms: null, cost_usd: null, images: [] })
    await answer
    const shown = await visit(key, `/v1/generations/${running?.id}`)
    expect(await shown.json()).toMatchObject({ status: 'succeeded', images: [{}] })
  })

  test('made twice is shown in its latest run and listed in both', async () => {
    const { key } = await team('acme')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    const id = await made(key)
    vi.setSystemTime(Date.now() + 1000)
    await (await ask(key, {}, { 'cache-control': 'no-cache' })).arrayBuffer()
    const { data } = await pageOf(key)
    expect(data.map((each) => each.id)).toEqual([id, id])
    expect(await (await visit(key, `/v1/generations/${id}`)).json()).toMatchObject(data[0] ?? {})
  })
})

describe("another team's generation", () => {
  test.each([
    ['GET', 'generation'],
    ['DELETE', 'generation'],
    ['DELETE', 'image'],
  ])('%s of the %s is a 404, the same as for a missing one', async (method, what) => {
    const { key } = await team('acme')
    const other = await team('other')
    const id = await made(key)
    const [generation] = (await pageOf(key)).data
    const url = new URL(generation?.images[0]?.url ?? '').pathname
    const refusals = [
      await errorOf(await visit(other.key, what === 'image' ? url : `/v1/generations/${id}`, method)),
      await errorOf(await visit(key, what === 'image' ? `${url}x` : '/v1/generations/gen_1', method)),
    ]
    const message = 'Your team has no such generation or image. List what it has with GET /v1/generations.'
    for (const refusal of refusals) expect(refusal).toMatchObject({ status: 404, message })
    expect((await pageOf(other.key)).data).toEqual([])
    expect((await pageOf(key)).data).toHaveLength(1)
    expect((await env.IMAGES.list({ prefix: 'images/' })).objects).toHaveLength(1)
  })
})
