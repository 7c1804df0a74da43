import { abortAllDurableObjects, runDurableObjectAlarm } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { ringTeam } from '../support/alarms'
import { price } from '../support/billing-upstream'
import { audit, micro, ownUsage, limitStatus, sum, usageRows, used } from '../support/accounting'
import { Crowd } from '../support/crowd'
import { full } from '../support/full'
import { ended, job } from '../support/jobs'
import { issue, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const JOBS = full ? 1000 : 100
const CONCURRENCY = 5
const PATIENCE = { timeout: 540_000, interval: 100 }

/** Submits all jobs by three keys of one team, fifty at a time; returns the prompts by id. */
async function submitAll(keys: readonly string[], subject: string): Promise<Map<string, string>> {
  const prompts = new Map<string, string>()
  for (let first = 0; first < JOBS; first += 50) {
    const batch = Array.from({ length: 50 }, async (_, at) => {
      const prompt = `${subject} ${first + at} @delay=10 @bytes=100`
      prompts.set(await job(keys[at % keys.length] ?? '', { prompt }), prompt)
    })
    await Promise.all(batch)
  }
  return prompts
}

async function threeKeys(): Promise<[string, string, string]> {
  const { key } = await team('acme', { budget_usd: 100, concurrency: CONCURRENCY })
  return [key, (await issue('acme')).key, (await issue('acme')).key]
}

/** The number of the team's generations that have ended. */
const finished = async (key: string): Promise<number> => (await ownUsage(key)).team_totals.generations

/** Rings the alarms of running generations, which are due every 30 s; queued ones need no alarm. */
async function ringRunning(): Promise<void> {
  const running = (await audit('acme')).filter(({ status }) => status === 'running')
  await Promise.all(running.map(({ id }) => runDurableObjectAlarm(env.GENERATIONS.getByName(id))))
}

/** Compares the ledger with the price of each prompt and with every total. */
async function expectExact(prompts: ReadonlyMap<string, string>): Promise<void> {
  const entries = await audit('acme')
  expect(new Set(entries.map(({ id }) => id))).toEqual(new Set(prompts.keys()))
  const costs = entries.map(({ cost_usd }) => micro(cost_usd))
  // Calls of dead processes may be billed, and are estimated.
  const due = entries.map(
    ({ id, status, estimated_usd }) =>
      micro(estimated_usd) + (status === 'succeeded' ? price(prompts.get(id) ?? '') : 0),
  )
  expect(costs).toEqual(due)
  const usage = await usageRows('acme')
  expect([sum(usage.map(({ cost_usd }) => micro(cost_usd))), await used('acme')]).toEqual([sum(costs), sum(costs)])
  expect((await limitStatus('acme', 'concurrency')).used).toBe(0)
}

describe(`${JOBS} jobs of a team with a concurrency of five`, () => {
  test('are all made, at most five at once, and paid to the micro-dollar', { timeout: 600_000 }, async () => {
    const crowd = new Crowd(upstream)
    const keys = await threeKeys()
    const prompts = await submitAll(keys, 'Cat')
    await vi.waitUntil(async () => (await finished(keys[0])) === JOBS, PATIENCE)
    expect([crowd.most, crowd.came]).toEqual([CONCURRENCY, JOBS])
    await expectExact(prompts)
    expect(new Set((await audit('acme')).map(({ status }) => status))).toEqual(new Set(['succeeded']))
    for (const id of [...prompts.keys()].slice(-5)) expect((await ended(keys[0], id)).result?.data).toHaveLength(1)
  })

  test('are so even when all processes die now and then', { timeout: 600_000 }, async () => {
    const crowd = new Crowd(upstream)
    const keys = await threeKeys()
    const prompts = await submitAll(keys, 'Dog')
    for (const share of [0.2, 0.4, 0.6, 0.8]) {
      await vi.waitUntil(async () => (await finished(keys[0])) >= share * JOBS, PATIENCE)
      crowd.callersDied()
      await abortAllDurableObjects()
      crowd.callersDied()
      await ringRunning()
      await ringTeam('acme')
    }
    await vi.waitUntil(async () => (await finished(keys[0])) === JOBS, PATIENCE)
    expect(crowd.most).toBe(CONCURRENCY)
    expect(crowd.came).toBeLessThanOrEqual(JOBS + 4 * CONCURRENCY)
    await expectExact(prompts)
  })
})
