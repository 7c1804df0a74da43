import { evictAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { ringTeam } from '../support/alarms'
import { directory, inDirectory, ringDirectory } from '../support/directory'
import { errorOf } from '../support/gateway'
import { atRest } from '../support/objects'
import { at, HOUR, NOON, orderOf, reserve, settle, settled } from '../support/orders'
import { ask, operate, team } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { watchTeams } from '../support/watched-team'

upstreams()

interface Report {
  as_of: string
  data: { team: string; day: string; generations: number; hits: number; failures: number }[]
}

const report = async (query = ''): Promise<Report> => await (await operate('GET', `/usage${query}`)).json<Report>()

/** Asks for an image, and waits for its settlement. */
async function make(key: string, body: Record<string, unknown> = {}): Promise<void> {
  await ask(key, body)
  await atRest()
}

/** The generations of each team in the report. */
const generations = async (query = ''): Promise<Record<string, number>> => {
  const { data } = await report(query)
  return Object.fromEntries(data.map((row) => [row.team, row.generations]))
}

/** The questions of the directory from now on. */
const questions = (): (() => number) => {
  const calls = watchTeams()
  return () => calls.filter((method) => method === 'sums').length
}

describe('the report of all teams', () => {
  test('asks the teams alone that changed since the one before, and has their changes at once', async () => {
    const [acme, other] = [await team('acme'), await team('other')]
    await make(acme.key)
    await make(other.key)
    expect(await generations()).toEqual({ acme: 1, other: 1 })
    const asked = questions()
    expect([await generations(), asked()]).toEqual([{ acme: 1, other: 1 }, 0])
    await make(acme.key, { prompt: 'A dog' })
    expect([await generations(), asked()]).toEqual([{ acme: 2, other: 1 }, 1])
    await make(acme.key, { prompt: 'A cow' })
    await make(acme.key, { prompt: 'A pig @fault=500' })
    expect([await generations(), asked()]).toEqual([{ acme: 4, other: 1 }, 2])
  })

  test('marks a team in the directory once, however much changes', async () => {
    const { key } = await team('acme')
    await report()
    const mark = vi.spyOn(env.DIRECTORY, 'getByName')
    for (const prompt of ['A cat', 'A dog', 'A cow']) await make(key, { prompt })
    await make(key, { prompt: 'A cat' })
    expect(mark).toHaveBeenCalledTimes(1)
  })

  test('has a settlement of an earlier day, and an expiry', async () => {
    at(NOON)
    const acme = await team('acme')
    await reserve(orderOf(acme))
    await reserve(orderOf(acme, { id: 'run_2', isAsked: true }))
    await make(acme.key)
    const from = `?from=${new Date(NOON).toISOString().slice(0, 10)}`
    expect(await generations(from)).toEqual({ acme: 1 })
    at(NOON + 30 * HOUR)
    await settle(settled())
    const { data } = await report(from)
    expect(data.reduce((sum, row) => sum + row.generations, 0)).toBe(3)
    expect(data.reduce((sum, row) => sum + row.failures, 0)).toBe(1)
  })

  test('is complete up to now', async () => {
    at(NOON)
    await team('acme')
    expect((await report()).as_of).toBe(new Date(NOON).toISOString())
    expect((await operate('GET', '/usage?format=csv')).headers.get('x-as-of')).toBe(new Date(NOON).toISOString())
    expect((await report('?team=acme')).as_of).toBe(new Date(NOON).toISOString())
  })

  test('is that of the team of today after a deletion', async () => {
    const { key } = await team('acme')
    await make(key)
    expect(await generations()).toEqual({ acme: 1 })
    await operate('DELETE', '/teams/acme')
    expect(await generations()).toEqual({})
    await ringTeam('acme')
    const again = await team('acme')
    expect(await generations()).toEqual({})
    await make(again.key, { prompt: 'A dog' })
    expect(await generations()).toEqual({ acme: 1 })
  })

  test('has many days of a team, which come in parts', async () => {
    await report()
    const { id } = await team('acme')
    await runInDurableObject(env.TEAMS.getByName('acme'), (_, { storage }) => {
      storage.sql.exec(
        `WITH RECURSIVE number(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i < 2499)
         INSERT INTO free SELECT date('2026-01-01', '+' || (i / 10) || ' days'), ?, 'model-' || (i % 10), 'openai', 1, 0, 7
         FROM number`,
        id,
      )
    })
    const asked = questions()
    const { data } = await report('?from=2026-01-01&to=2026-12-31')
    expect([data.length, data.reduce((sum, { hits }) => sum + hits, 0), asked()]).toEqual([2500, 2500, 3])
    expect(data).toEqual((await report('?team=acme&from=2026-01-01&to=2026-12-31')).data)
  })

  test('has more rows than one answer of the directory', async () => {
    await team('acme')
    await report()
    await inDirectory(({ sql }) =>
      sql.exec(
        `WITH RECURSIVE number(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i < 5999)
         INSERT INTO sums SELECT 'acme', date('2026-01-01', '+' || (i / 100) || ' days'), 'key', 'model-' || (i % 100), 'openai',
           1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM number`,
      ),
    )
    const { data } = await report('?from=2026-01-01&to=2026-12-31')
    expect([data.length, new Set(data.map((row) => JSON.stringify(row))).size]).toEqual([6000, 6000])
  })
})

describe('a team that changed', () => {
  test('is in the report after its mark was lost, once its alarm has rung', async () => {
    const { key } = await team('acme')
    await report()
    const lost = vi.spyOn(env.DIRECTORY, 'getByName').mockImplementation(() => {
      throw new Error('Network connection lost.')
    })
    await make(key)
    lost.mockRestore()
    expect(await generations()).toEqual({})
    expect(await ringTeam('acme')).toBe(true)
    expect(await generations()).toEqual({ acme: 1 })
  })

  test('is in the report after the directory lost an answer, and after both processes died', async () => {
    const { key } = await team('acme')
    await report()
    await make(key)
    await env.TEAMS.getByName('acme').sums({ stored: 1 })
    await evictAllDurableObjects()
    expect(await generations()).toEqual({ acme: 1 })
  })

  test('fails the report if its object does not answer', async () => {
    await team('acme')
    const getByName = env.TEAMS.getByName.bind(env.TEAMS)
    const lost = vi.spyOn(env.TEAMS, 'getByName').mockImplementation((name) => {
      if (name === 'acme') throw new Error('Network connection lost.')
      return getByName(name)
    })
    expect(await errorOf(await operate('GET', '/usage'))).toMatchObject({ status: 503 })
    lost.mockRestore()
    expect(await generations()).toEqual({})
  })
})

describe('the directory of an earlier version', () => {
  test('gathers the sums of its teams by itself', async () => {
    const [acme, other] = [await team('acme'), await team('other')]
    await make(acme.key)
    await make(other.key)
    await report('?team=acme')
    await inDirectory(({ sql }) => sql.exec('DROP TABLE sums; DROP TABLE marks'))
    await evictAllDurableObjects()
    await directory().list(1)
    expect(await ringDirectory()).toBe(true)
    const asked = questions()
    expect([await generations(), asked()]).toEqual([{ acme: 1, other: 1 }, 0])
  })
})

describe('more waiting teams than a report asks', () => {
  test('are those with the newest answers, and the report is as old as the oldest of them', async () => {
    at(NOON)
    await report()
    for (const id of ['acme', 'bee', 'cow']) await team(id)
    expect(await directory().toAsk(2)).toEqual({ ids: ['acme', 'bee'], asOfMs: undefined })
    await report()
    await inDirectory(({ sql }) =>
      sql.exec("UPDATE marks SET marked = stored + 1, asked_ms = unicode(team) WHERE team <> 'default'"),
    )
    expect(await directory().toAsk(1)).toEqual({ ids: ['acme'], asOfMs: 98 })
    expect(await directory().toAsk(2)).toEqual({ ids: ['acme', 'bee'], asOfMs: 99 })
    expect(await directory().toAsk(3)).toEqual({ ids: ['acme', 'bee', 'cow'], asOfMs: NOON })
  })

  test('are asked by the alarm of the directory, until few wait', async () => {
    at(NOON)
    await report()
    await inDirectory(({ sql }) => {
      sql.exec(
        `WITH RECURSIVE number(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i < 519)
         INSERT INTO teams SELECT 'team-' || i, 'team', 1 FROM number`,
      )
      sql.exec("INSERT INTO marks SELECT id, 2, 1, 1 FROM teams WHERE id LIKE 'team-%'")
    })
    await directory().mark('team-1', 3)
    expect((await directory().toAsk(1000)).ids).toHaveLength(520)
    expect(await ringDirectory()).toBe(true)
    expect((await directory().toAsk(1000)).ids).toHaveLength(500)
  })
})
