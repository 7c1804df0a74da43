import { abortAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { limitStatus, used } from '../support/accounting'
import { ringGenerations, ringTeam } from '../support/alarms'
import { called, ended, job, jobState, startJob } from '../support/jobs'
import { at, NOON, orderOf, reserve, settle, settled } from '../support/orders'
import { receivers, send } from '../support/receiver'
import { originalSettings, settings } from '../support/settings'
import { ask, team, type TestTeam, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { HOOK } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks } = receivers(upstream)

/** The platform drops an alarm after its sixth failure (platform §3). */
const RINGS = 8

let acme: TestTeam
beforeEach(async () => {
  // No alarm rings by itself.
  at(NOON)
  acme = await team('acme', { concurrency: 1, budget_usd: 1, images_per_day: 10 })
})

afterEach(originalSettings)

const alarmOf = (stub: DurableObjectStub): Promise<number | null> =>
  runInDurableObject(stub, (_, { storage }) => storage.getAlarm())

const dropAlarm = (stub: DurableObjectStub): Promise<void> =>
  runInDurableObject(stub, (_, { storage }) => storage.deleteAlarm())

/** Deploys settings: every process ends, and the next one reads them. */
async function deploy(changed?: Record<string, unknown>): Promise<void> {
  if (changed) settings(changed)
  else originalSettings()
  await abortAllDurableObjects()
}

describe('under a wrong setting, alarms ring on until it is right', () => {
  test('and the job ends, its webhook is sent, and its concurrency is free', async () => {
    const asked = await startJob(acme.key, { prompt: 'A cat @once=silence' }, { 'x-webhook-url': HOOK })
    const { id } = await asked.json<{ id: string }>()
    await called(upstream, 1)
    await deploy({ DEFAULT_PLAN: 'no-such-plan' })
    for (let ring = 0; ring < RINGS; ring++) expect(await ringGenerations()).toBe(1)
    await deploy()
    await ringGenerations()
    expect(await ended(acme.key, id)).toMatchObject({ status: 'succeeded' })
    await send()
    expect(hooks.types).toEqual(['image.generation.completed'])
    expect(await limitStatus('acme', 'concurrency')).toMatchObject({ used: 0 })
  })

  test('and a reservation that has expired is released, with its images of the day', async () => {
    await reserve(orderOf(acme, { holdMs: 0, images: 3, quote: 1000 }))
    await deploy({ DEFAULT_PLAN: 'no-such-plan' })
    for (let ring = 0; ring < RINGS; ring++) expect(await ringTeam('acme')).toBe(true)
    await deploy()
    expect(await used('acme')).toBe(1000)
    await ringTeam('acme')
    expect([await used('acme'), (await limitStatus('acme', 'images_per_day')).used]).toEqual([0, 0])
  })
})

test('a settlement under a wrong setting changes nothing, and is whole once the setting is right', async () => {
  await reserve(orderOf(acme))
  await deploy({ DEFAULT_PLAN: 'no-such-plan' })
  const refused = await runInDurableObject(env.TEAMS.getByName('acme'), (each) => each.settle(settled()).catch(String))
  expect(refused).toContain('DEFAULT_PLAN')
  await deploy()
  expect(await used('acme')).toBe(1000)
  await settle(settled())
  expect(await used('acme')).toBe(700)
})

test('a retried alarm is set before its work, which may end the process', async () => {
  const stub = env.TEAMS.getByName('acme')
  const tried = { isRetry: true, retryCount: 5, scheduledTime: NOON }
  await runInDurableObject(stub, async (team) => await team.alarm(tried))
  expect(await alarmOf(stub)).toBeGreaterThanOrEqual(NOON + 30_000)
})

describe('an alarm that the platform has dropped is set again', () => {
  test('by a look at the job', async () => {
    const id = await job(acme.key, { prompt: 'A cat @once=silence' })
    await called(upstream, 1)
    const stub = env.GENERATIONS.getByName(id)
    await dropAlarm(stub)
    await jobState(acme.key, id)
    expect(await alarmOf(stub)).not.toBeNull()
  })

  test('by a request that joins the run', async () => {
    const id = await job(acme.key, { prompt: 'A cat @once=silence' })
    await called(upstream, 1)
    const stub = env.GENERATIONS.getByName(id)
    await dropAlarm(stub)
    void ask(acme.key, { prompt: 'A cat @once=silence' }).catch(() => {})
    await vi.waitUntil(async () => (await alarmOf(stub)) !== null)
  })

  test('by a request of the team', async () => {
    await reserve(orderOf(acme))
    const stub = env.TEAMS.getByName('acme')
    await dropAlarm(stub)
    await visit(acme.key, '/v1/usage')
    expect(await alarmOf(stub)).not.toBeNull()
  })

  test('and an object without work gets none', async () => {
    const [stub, none] = [env.TEAMS.getByName('acme'), env.GENERATIONS.getByName('gen_none')]
    await visit(acme.key, '/v1/usage')
    await none.see('acme')
    expect([await alarmOf(stub), await alarmOf(none)]).toEqual([null, null])
  })
})
