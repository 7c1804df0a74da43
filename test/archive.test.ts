import { evictAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { audit, usageRows } from './support/accounting'
import { ringTeam } from './support/alarms'
import { addEntries } from './support/many-entries'
import { at, balance, HOUR, LIMITS, orderOf, reserve, settle, settled } from './support/orders'
import { endAtOnce } from './support/quick-pauses'
import { ask, operate, type Pictured, stored, team, visit, withPictures } from './support/teams'
import { upstreams } from './support/upstreams'

upstreams()

/** Far ahead, so that no alarm rings by itself. */
const START = Date.UTC(2096, 10, 20, 12)
/** The first day on which November is archived. */
const CLOSING = Date.UTC(2096, 11, 8)

const acme = (): DurableObjectStub<import('../src').Team> => env.TEAMS.getByName('acme')

/** The ids of the entries in the team's object. */
const held = (): Promise<unknown[]> =>
  runInDurableObject(acme(), (_, { storage }) =>
    storage.sql
      .exec('SELECT id FROM ledger')
      .toArray()
      .map(({ id }) => id),
  )

const files = async (): Promise<string[]> =>
  (await env.IMAGES.list({ prefix: 'ledger/' })).objects.map(({ key }) => key)
const textOf = async (key: string | undefined): Promise<string> =>
  (await (await env.IMAGES.get(key ?? ''))?.text()) ?? ''

/** Has the month of the start archived. */
async function archive(): Promise<void> {
  at(CLOSING)
  await ringTeam('acme')
  expect(await files()).toHaveLength(1)
}

const json = async (answer: Promise<Response>): Promise<Record<string, unknown>> => await (await answer).json()

/** All that a team and an operator see of a generation. */
const views = async ({ key, id, links }: Pictured): Promise<unknown> => ({
  history: await json(visit(key, '/v1/generations')),
  shown: await json(visit(key, `/v1/generations/${id}`)),
  byGeneration: await json(operate('GET', `/audit?generation=${id}`)),
  byImage: await json(operate('GET', `/audit?image=${new URL(links[0] ?? '').pathname}`)),
  byTime: await json(operate('GET', '/audit?from=2096-11-20&to=2096-11-20')),
  usage: { ...(await json(operate('GET', '/usage?from=2096-11-01&to=2096-12-31'))), as_of: undefined },
  csv: await (await operate('GET', '/audit?format=csv')).text(),
})

beforeEach(() => {
  at(START)
  endAtOnce(200, 400, 800)
})

describe('an archived generation', () => {
  test('is a line of JSON in R2 a week after its month, and no row of its team', async () => {
    const { id } = await withPictures(2)
    at(CLOSING - 1)
    await ringTeam('acme')
    expect([await files(), await held()]).toEqual([[], [expect.any(String)]])
    await archive()
    expect([await files(), await held()]).toEqual([['ledger/acme/2096-11/000001.jsonl'], []])
    const [line = '', ...rest] = (await textOf('ledger/acme/2096-11/000001.jsonl')).split('\n')
    expect([JSON.parse(line), rest]).toMatchObject([{ generation: id, prompt: 'A cat', status: 'succeeded' }, ['']])
  })

  test('is in history, audit, export and usage as before', async () => {
    const pictured = await withPictures(2)
    at(CLOSING - 1)
    const before = await views(pictured)
    await archive()
    expect(await views(pictured)).toEqual(before)
  })

  test('is found after its object has started anew', async () => {
    const { key, id } = await withPictures(1)
    await archive()
    await evictAllDurableObjects()
    expect((await visit(key, `/v1/generations/${id}`)).status).toBe(200)
  })

  test('is closed to other teams', async () => {
    const { id, links } = await withPictures(1)
    const other = await team('other')
    await archive()
    expect((await visit(other.key, `/v1/generations/${id}`)).status).toBe(404)
    expect((await visit(other.key, new URL(links[0] ?? '').pathname, 'DELETE')).status).toBe(404)
  })

  test('leaves its prompt nowhere once it is deleted', async () => {
    const { key, id } = await withPictures(2)
    await archive()
    expect((await visit(key, `/v1/generations/${id}`, 'DELETE')).status).toBe(200)
    expect([(await visit(key, `/v1/generations/${id}`)).status, await stored()]).toEqual([404, 0])
    const deleted = { data: [{ id, prompt: '', images_kept: [], deleted_at: '2096-12-08T00:00:00.000Z' }] }
    expect(await json(operate('GET', '/audit'))).toMatchObject(deleted)
    expect(await runInDurableObject(acme(), (_, { storage }) => storage.getAlarm())).toBe(CLOSING + 1000)
    await ringTeam('acme')
    expect(await textOf((await files())[0])).not.toContain('A cat')
    expect(await json(operate('GET', '/audit'))).toMatchObject(deleted)
    expect(await json(visit(key, '/v1/generations'))).toMatchObject({ data: [] })
    expect(await usageRows('acme')).toEqual([])
    expect(await json(operate('GET', '/usage?from=2096-11-01'))).toMatchObject({ data: [{ images: 2 }] })
  })

  test('loses one image of three', async () => {
    const { key, id, links } = await withPictures(3)
    await archive()
    const path = new URL(links[1] ?? '').pathname
    const deletions = [await visit(key, path, 'DELETE'), await visit(key, path, 'DELETE')]
    expect(deletions.map(({ status }) => status)).toEqual([200, 404])
    const paths = async (): Promise<string[]> => {
      const { images } = await (await visit(key, `/v1/generations/${id}`)).json<{ images: { url: string }[] }>()
      return images.map(({ url }) => new URL(url).pathname)
    }
    const left = [links[0] ?? '', links[2] ?? ''].map((link) => new URL(link).pathname)
    expect(await paths()).toEqual(left)
    await ringTeam('acme')
    expect(await paths()).toEqual(left)
    expect(await textOf((await files())[0])).toContain('A cat')
  })

  test('loses its images when their time is over', async () => {
    const { key, id } = await withPictures(2)
    await archive()
    at(START + 30 * 24 * HOUR)
    await ringTeam('acme')
    expect(await stored()).toBe(2)
    at(START + 30 * 24 * HOUR + 1)
    await ringTeam('acme')
    expect(await stored()).toBe(0)
    expect(await json(visit(key, `/v1/generations/${id}`))).toMatchObject({ prompt: 'A cat', images: [] })
  })

  test('goes with its team: files, images and prompts', async () => {
    await withPictures(2)
    await archive()
    await ask((await team('other')).key)
    await operate('DELETE', '/teams/acme')
    await ringTeam('acme')
    expect([await files(), await stored()]).toEqual([[], 1])
    expect((await operate('POST', '/teams', { id: 'acme' })).status).toBe(201)
    expect(await json(operate('GET', '/audit?team=acme'))).toMatchObject({ data: [] })
  })

  test('goes with its team also if the process died before the file had its row', async () => {
    await withPictures(1)
    await archive()
    await runInDurableObject(acme(), (_, { storage }) => storage.sql.exec('DELETE FROM archive'))
    await operate('DELETE', '/teams/acme')
    await ringTeam('acme')
    expect([await files(), await stored()]).toEqual([[], 0])
  })
})

describe('a run that may still be settled', () => {
  test('stays in the ledger, and a late settlement corrects its cost', async () => {
    const { id, key } = await team('acme', LIMITS)
    await ask(key)
    await reserve(orderOf({ id, key }, { isAsked: true }))
    at(START + 2 * HOUR)
    await ringTeam('acme')
    await archive()
    expect(await held()).toEqual(['run_1'])
    expect(await textOf((await files())[0])).not.toContain('"run_1"')
    await settle(settled({ images: [], cost: 400 }))
    const audited = await audit('acme')
    expect([audited.length, audited.find(({ run }) => run === 'run_1')]).toMatchObject([2, { cost_usd: 0.0004 }])
    const { data } = await (await operate('GET', '/usage?from=2096-11-01')).json<{ data: Record<string, number>[] }>()
    const [row] = data
    expect([row?.['generations'], row?.['estimated_usd']]).toEqual([2, 0])
    expect((await balance()).running).toBe(0)
  })

  test('keeps its images if an archived settlement is repeated', async () => {
    const { id, key } = await team('acme')
    const settlement = settled({ images: ['images/gen_1/1-0.png'] })
    await env.IMAGES.put('images/gen_1/1-0.png', 'a picture')
    await reserve(orderOf({ id, key }))
    await settle(settlement)
    await archive()
    const cost = await json(operate('GET', '/usage?from=2096-11-01'))
    await settle(settlement)
    expect(await env.IMAGES.head('images/gen_1/1-0.png')).not.toBeNull()
    expect(await json(operate('GET', '/usage?from=2096-11-01'))).toEqual(cost)
  })
})

describe('a long ledger', () => {
  /** 600 entries of one month. */
  async function prepare(): Promise<string> {
    const { id, key } = await team('acme')
    await reserve(orderOf({ id, key }, { operation: 'generate' }))
    await settle(settled({ images: [] }))
    await addEntries('acme', 599, 1000)
    at(CLOSING)
    return key
  }

  const lines = async (): Promise<number[]> => {
    const texts = await Promise.all((await files()).map(textOf))
    return texts.map((text) => text.split('\n').length - 1)
  }

  test('moves in steps of 250 entries, and all pages and the export have each entry once', async () => {
    const key = await prepare()
    await ringTeam('acme')
    expect([await lines(), await held()]).toEqual([[250, 250, 100], []])
    const runs = (await audit('acme', 150)).map(({ run }) => run)
    expect([runs.length, new Set(runs).size]).toEqual([600, 600])
    const exported = (await (await operate('GET', '/audit?team=acme&format=csv')).text()).trimEnd().split('\r\n')
    expect(exported.slice(1).map((line) => line.split(',')[2])).toEqual(runs)
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const response = await visit(key, `/v1/generations?limit=100${cursor && `&cursor=${cursor}`}`)
      const page = await response.json<{ data: { id: string }[]; next_cursor: string | null }>()
      seen.push(...page.data.map(({ id }) => id))
      cursor = page.next_cursor
    }
    expect(seen).toHaveLength(600)
  })

  test('stays whole while R2 fails, and moves once it works again', async () => {
    await prepare()
    const put = env.IMAGES.put.bind(env.IMAGES)
    let puts = 0
    const failing = vi.spyOn(env.IMAGES, 'put').mockImplementation(async (...args: Parameters<typeof put>) => {
      if (++puts > 1) throw new Error('put: internal error (10001)')
      return await put(...args)
    })
    await ringTeam('acme')
    expect([await lines(), (await held()).length, (await audit('acme')).length]).toEqual([[250], 350, 600])
    failing.mockRestore()
    at(CLOSING + HOUR)
    await ringTeam('acme')
    expect([await lines(), await held(), (await audit('acme')).length]).toEqual([[250, 250, 100], [], 600])
  })

  test('has full files as soon as they are a week old, before the end of the month', async () => {
    await prepare()
    at(START + 7 * 24 * HOUR)
    await ringTeam('acme')
    expect([await lines(), (await held()).length]).toEqual([[250, 250], 100])
  })
})
