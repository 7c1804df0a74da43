import { env } from 'cloudflare:workers'
import { expect, test, vi } from 'vitest'
import { configOf } from '../../src/config'
import { accountIdOf } from '../../src/upstreams/accounts'
import { standingOf } from '../support/accounts'
import { countRows, sumOf } from '../support/rows-written'
import { atRest, deleteObjects } from '../support/objects'
import { environment } from '../support/settings'
import { ask, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

upstreams()

const BODY = { prompt: 'A counted cat' }

const accountOf = (name: string): DurableObjectStub => {
  const upstream = configOf(environment()).upstreams.find((each) => each.name === name)
  return env.ACCOUNTS.getByName(upstream ? accountIdOf(upstream) : '')
}

const reported = async (): Promise<void> => {
  await atRest()
  await vi.waitUntil(async () => (await standingOf('openai')).slots === 0)
}

/** The id of the counted generation, which is that of every team of this name. */
async function generationId(): Promise<string> {
  const { key } = await team('acme')
  const response = await ask(key, BODY)
  await response.text()
  await reported()
  await deleteObjects()
  for (const { name } of (await env.CACHE.list()).keys) await env.CACHE.delete(name)
  return response.headers.get('x-generation-id') ?? ''
}

test.each(['unlimited', 'free'])('a miss of a team with the plan %s writes 21 rows at most', async (plan) => {
  const id = await generationId()
  const { key } = await team('acme', {}, plan)
  await (await ask(key, { prompt: 'A first cat' })).text()
  await reported()
  const counts = {
    team: await countRows(env.TEAMS.getByName('acme')),
    generation: await countRows(env.GENERATIONS.getByName(id)),
    account: await countRows(accountOf('openai')),
  }
  const made = await ask(key, BODY)
  expect([made.status, made.headers.get('x-cache')]).toEqual([200, 'MISS'])
  await made.text()
  await reported()
  const rows = Object.entries(counts).map(([name, count]) => ({ name, rows: count() }))
  expect(
    rows.reduce((sum, each) => sum + sumOf(each.rows), 0),
    JSON.stringify(rows),
  ).toBeLessThanOrEqual(21)
})
