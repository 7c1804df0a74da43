import { describe, expect, test, vi } from 'vitest'
import { errorOf } from '../support/gateway'
import { ask, issue, operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

const DAY = 86_400_000

interface Row {
  team: string
  day: string
  key: string
  model: string
  upstream: string
  hits: number
  generations: number
  failures: number
  images: number
  cost_usd: number
  saved_usd: number
}

const rowsOf = async (query = ''): Promise<Row[]> =>
  (await (await operate('GET', `/usage${query}`)).json<{ data: Row[] }>()).data

const costOf = (response: Response): number => Number(response.headers.get('x-cost-usd'))
const inMicroUsd = (amounts: number[]): number => amounts.reduce((sum, amount) => sum + Math.round(amount * 1e6), 0)

describe('the usage report', () => {
  test('splits by team, key, day, model and upstream, and adds up to the paid sum', async () => {
    const acme = await team('acme')
    const second = await issue('acme')
    const other = await team('other')
    const yesterday = Date.now() - DAY
    vi.useFakeTimers({ toFake: ['Date'], now: yesterday })
    const costs = [costOf(await ask(acme.key)), costOf(await ask(acme.key, { prompt: 'A dog', n: 2 }))]
    vi.setSystemTime(yesterday + DAY)
    costs.push(costOf(await ask(acme.key, { prompt: 'A pig' })), costOf(await ask(second.key, { prompt: 'A cow' })))
    costs.push(costOf(await ask(other.key)), costOf(await ask(other.key, { model: 'gpt-image-2.5-flare' })))
    await ask(other.key, { prompt: 'A cat @fault=500' })
    const days = [yesterday, yesterday + DAY].map((ms) => new Date(ms).toISOString().slice(0, 10))
    const rows = await rowsOf(`?from=${days[0]}`)
    expect(rows.map((row) => [row.team, row.day, row.key, row.model, row.upstream, row.images])).toEqual([
      ['acme', days[0], acme.id, 'gpt-image-2', 'openai', 3],
      ...[
        ['acme', days[1], acme.id, 'gpt-image-2', 'openai', 1],
        ['acme', days[1], second.id, 'gpt-image-2', 'openai', 1],
      ].toSorted((a, b) => String(a[2]).localeCompare(String(b[2]))),
      ['other', days[1], other.id, 'gpt-image-2', 'openai', 1],
      ['other', days[1], other.id, 'gpt-image-2.5-flare', 'openai', 1],
    ])
    expect(rows[3]).toMatchObject({ generations: 2, failures: 1 })
    expect(inMicroUsd(rows.map(({ cost_usd }) => cost_usd))).toBe(inMicroUsd(costs))
  })

  test('filters by team, key and days', async () => {
    const acme = await team('acme')
    const second = await issue('acme')
    const other = await team('other')
    for (const { key } of [acme, second, other]) await ask(key, { prompt: key })
    expect((await rowsOf('?team=other')).map((row) => row.key)).toEqual([other.id])
    expect((await rowsOf(`?key=${second.id}`)).map((row) => row.key)).toEqual([second.id])
    expect(await rowsOf(`?team=other&key=${second.id}`)).toEqual([])
    expect(await rowsOf('?from=2026-01-01&to=2026-01-31')).toEqual([])
    expect((await operate('GET', '/usage?team=nobody')).status).toBe(404)
  })

  test('counts hits beside paid images, with the money saved', async () => {
    const { key } = await team('acme')
    const cost = costOf(await ask(key))
    for (let asked = 0; asked < 3; asked++) await ask(key)
    await vi.waitFor(async () => {
      expect(await rowsOf()).toMatchObject([{ generations: 1, hits: 3, joins: 0, cost_usd: cost }])
    })
    expect(inMicroUsd((await rowsOf()).map(({ saved_usd }) => saved_usd))).toBe(3 * inMicroUsd([cost]))
  })

  test('has the same rows as CSV, with commas, quotes and line ends in names', async () => {
    const { key } = await team('acme')
    await ask(key)
    await ask(key, { model: 'gpt-image-"9",new', quality: undefined, size: undefined })
    const response = await operate('GET', '/usage?format=csv')
    expect(response.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    const [head = '', ...lines] = (await response.text()).split('\r\n')
    expect([head.split(',').slice(0, 5), lines.at(-1)]).toEqual([['team', 'day', 'key', 'model', 'upstream'], ''])
    const rows = await rowsOf()
    const spelled = rows.map((row) =>
      Object.values(row)
        .map((value) => (/[",]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : value))
        .join(','),
    )
    expect(lines.slice(0, -1)).toEqual(spelled)
    expect(lines.join('\n')).toContain('"gpt-image-""9"",new"')
  })

  test.each(['from=yesterday', 'from=2026-02-30', 'to=2026-1-1', 'format=xml'])('is refused with %s', async (query) => {
    const param = query.replace(/=.*/, '')
    expect(await errorOf(await operate('GET', `/usage?${query}`))).toMatchObject({ status: 400, param })
  })
})
