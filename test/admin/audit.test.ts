import { describe, expect, test, vi } from 'vitest'
import { errorOf } from '../support/gateway'
import { ask, issue, operate, team, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

const DAY = 86_400_000

const costOf = (response: Response): number => Number(response.headers.get('x-cost-usd'))
const inMicroUsd = (amounts: number[]): number => amounts.reduce((sum, amount) => sum + Math.round(amount * 1e6), 0)

interface AuditRow {
  team: string
  id: string
  prompt: string
  images: string[]
}
interface AuditPage {
  data: AuditRow[]
  has_more: boolean
  next_cursor: string | null
}

const auditOf = async (query = ''): Promise<AuditPage> =>
  await (await operate('GET', `/audit${query}`)).json<AuditPage>()

describe('the audit', () => {
  test('names the caller, the upstream, the estimated and the real cost', async () => {
    const { key, id } = await team('acme')
    const response = await ask(key, { n: 2 })
    const { data } = await auditOf()
    expect(data).toMatchObject([
      {
        team: 'acme',
        key: id,
        id: response.headers.get('x-generation-id'),
        status: 'succeeded',
        attempts: 1,
        route: 'openai/0 served',
        request_id: response.headers.get('x-request-id'),
        prompt: 'A cat',
        upstream: 'openai',
        account: 0,
        upstream_request_id: expect.stringMatching(/^req_/),
        organization: 'org-upstream',
        deleted_at: null,
        cost_usd: costOf(response),
        input_tokens: expect.any(Number),
        output_tokens: 392,
        images: [expect.stringMatching(/^images\/gen_\w+\/\w+-0\.png$/), expect.stringMatching(/-1\.png$/)],
        reserved_usd: expect.any(Number),
        run: expect.stringMatching(/^run_/),
      },
    ])
    const [row] = await (
      await operate('GET', '/audit')
    )
      .json<{ data: Record<string, number>[] }>()
      .then((all) => all.data)
    const error = inMicroUsd([row?.['cost_usd'] ?? 0]) - inMicroUsd([row?.['reserved_usd'] ?? 0])
    expect(inMicroUsd([row?.['quote_error_usd'] ?? NaN])).toBe(error)
  })

  test("shows the upstream's reply to a request that failed", async () => {
    const { key } = await team('acme')
    await ask(key, { prompt: 'A cat @fault=500' })
    const failed = { status: 'failed', error: 'upstream_failed', cost_usd: 0, upstream: 'openai', images: [] }
    const { data } = await auditOf()
    const tries = { attempts: 2, route: 'openai/0 unavailable, openai/0 unavailable' }
    expect(data).toMatchObject([{ ...failed, ...tries, upstream_request_id: expect.stringMatching(/^req_/) }])
  })

  test("finds an image of any team by its link, the link's path and its key", async () => {
    const [acme, other] = [await team('acme'), await team('other')]
    for (const { key } of [acme, other, acme]) await ask(key, { n: 2 }, { 'cache-control': 'no-cache' })
    const history = await visit(other.key, '/v1/generations')
    const [made] = (await history.json<{ data: { images: { url: string }[] }[] }>()).data
    const link = new URL(made?.images[1]?.url ?? '')
    for (const image of [link.href, link.origin + link.pathname, link.pathname, link.pathname.slice(1)]) {
      const { data } = await auditOf(`?image=${encodeURIComponent(image)}`)
      expect(data.map((row) => row.team)).toEqual(['other'])
    }
  })

  test('finds nothing for an image that was never made', async () => {
    const { key } = await team('acme')
    await ask(key)
    expect((await auditOf('?image=images/gen_1/1-0.png')).data).toEqual([])
  })

  test.each(['https://example.com/cat.png', 'cat', ''])('rejects %j as an image', async (image) => {
    expect(await errorOf(await operate('GET', `/audit?image=${encodeURIComponent(image)}`))).toMatchObject({
      status: 400,
      param: 'image',
      message: expect.stringContaining('Use the link or the key of an image'),
    })
  })

  test('filters by generation, key, team and time', async () => {
    const acme = await team('acme')
    const second = await issue('acme')
    const other = await team('other')
    const before = Date.now() - DAY
    vi.useFakeTimers({ toFake: ['Date'], now: before })
    const id = (await ask(acme.key, { prompt: 'one' })).headers.get('x-generation-id')
    vi.setSystemTime(before + 1000)
    await ask(second.key, { prompt: 'two' })
    vi.setSystemTime(before + 2000)
    await ask(other.key, { prompt: 'three' })
    const found = async (query: string): Promise<string[]> => (await auditOf(query)).data.map(({ prompt }) => prompt)
    const at = (ms: number): string => new Date(before + ms).toISOString()
    expect(await found('')).toEqual(['three', 'two', 'one'])
    expect(await found(`?generation=${id}`)).toEqual(['one'])
    expect(await found(`?key=${second.id}`)).toEqual(['two'])
    expect(await found('?team=other')).toEqual(['three'])
    expect(await found(`?from=${at(1000)}&to=${at(2000)}`)).toEqual(['two'])
    expect(await found(`?from=${at(2001)}`)).toEqual([])
    expect(await found('?to=2026-01-01')).toEqual([])
  })

  test('pages across all teams, also over entries of the same millisecond', async () => {
    const teams = [await team('acme'), await team('bee'), await team('cow')]
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
    for (const { key } of teams) for (const prompt of ['one', 'two', 'three']) await ask(key, { prompt })
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: AuditPage = await auditOf(`?limit=2${cursor && `&cursor=${cursor}`}`)
      expect([page.data.length <= 2, page.has_more]).toEqual([true, page.next_cursor !== null])
      seen.push(...page.data.map((row) => `${row.team} ${row.prompt}`))
      cursor = page.next_cursor
    }
    expect([seen.length, new Set(seen).size]).toEqual([9, 9])
  })

  test('is exported as CSV: every entry of every team, or of one', async () => {
    const [acme, bee] = [await team('acme'), await team('bee')]
    const made = await ask(acme.key, { n: 2, prompt: 'A "big" cat' })
    for (const prompt of ['one', 'two']) await ask(bee.key, { prompt })
    const exported = await operate('GET', '/audit?format=csv&limit=1')
    expect(exported.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    const [head = '', ...rows] = (await exported.text()).trimEnd().split('\r\n')
    const [first] = (await auditOf('?team=acme')).data
    expect(rows.map((row) => row.split(',')[0])).toEqual(['acme', 'bee', 'bee'])
    expect(rows[0]).toContain(`,"A ""big"" cat",2,`)
    expect(rows[0]?.split(',').at(-1)).toBe(first?.images.join(' '))
    expect(rows[0]?.split(',')[head.split(',').indexOf('id')]).toBe(made.headers.get('x-generation-id'))
    expect((await (await operate('GET', '/audit?format=csv&team=bee')).text()).split('\r\n')).toHaveLength(4)
    expect(await (await operate('GET', '/audit?format=csv&to=2026-01-01')).text()).toBe(`${head}\r\n`)
    expect(await errorOf(await operate('GET', '/audit?format=csv&team=none'))).toMatchObject({ status: 404 })
  })

  test.each(['from=now', 'to=2026-02-30', 'limit=0', 'limit=1001', 'cursor=x'])('is refused with %s', async (query) => {
    const param = query.replace(/=.*/, '')
    const message = expect.stringMatching(/ (Use|Expected|expected) /)
    expect(await errorOf(await operate('GET', `/audit?${query}`))).toMatchObject({ status: 400, param, message })
  })
})
