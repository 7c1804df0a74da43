import { evictAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Phase } from '../../src/generation/state'
import { StateRows } from '../../src/generation/rows/state-rows'
import { TaskRows } from '../../src/generation/rows/task-rows'
import { ringGenerations } from '../support/alarms'
import { limitStatus } from '../support/accounting'
import { receivers, send } from '../support/receiver'
import { ask, team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { MemoryRows } from './life/life'
import recorded from './stored-rows.json'
import { type Recorded, revived, storeRecorded } from './stored-rows'

const { upstream } = upstreams()
const { hooks } = receivers(upstream)

let teams: { acme: TestTeam; other: TestTeam }
beforeEach(async () => {
  teams = { acme: await team('acme', { concurrency: 1 }), other: await team('other', { concurrency: 1 }) }
})

/** Puts a recorded generation in place of its object, and lets a new process look after it. */
async function deployed(name: Recorded): Promise<DurableObjectStub<import('../../src').Generation>> {
  const id = await storeRecorded(name, teams)
  await evictAllDurableObjects()
  const generation = env.GENERATIONS.getByName(id)
  await runInDurableObject(generation, (_, { storage }) => storage.setAlarm(Date.now()))
  await ringGenerations()
  return generation
}

const statusFor = async (generation: Awaited<ReturnType<typeof deployed>>, payer: string): Promise<unknown> =>
  (await generation.see(payer))?.snapshot.status

describe('a generation that the release before the state machine stored', () => {
  test('while it waited for its turn is made after the deploy, for both of its teams', async () => {
    const generation = await deployed('queued')
    await vi.waitUntil(async () => (await statusFor(generation, 'acme')) === 'succeeded')
    expect(await statusFor(generation, 'other')).toBe('succeeded')
    expect(upstream.calls).toHaveLength(1)
    await send()
    expect(hooks.types).toEqual(['image.generation.completed'])
  })

  test('with all images in R2 has them as its result, without another call', async () => {
    const generation = await deployed('generating')
    await vi.waitUntil(async () => (await statusFor(generation, 'acme')) === 'succeeded')
    expect((await generation.see('other'))?.snapshot.images).toHaveLength(2)
    expect(upstream.calls).toHaveLength(0)
  })

  test('while it asked for its money is made for the URL that waits', async () => {
    await deployed('reserving')
    await vi.waitUntil(() => upstream.calls.length === 1)
    await vi.waitUntil(async () => {
      await send()
      return hooks.types.length === 1
    })
    expect(hooks.types).toEqual(['image.generation.completed'])
    expect(await limitStatus('acme', 'concurrency')).toMatchObject({ used: 0 })
  })

  test.each(['settling', 'refused'] as const)('with an unconfirmed settlement settles: %s', async (name) => {
    const generation = await deployed(name)
    const owed = (): Promise<string[]> =>
      runInDurableObject(generation, (_, { storage }) => [...storage.kv.list({ prefix: 'owed:' })].map(([key]) => key))
    await vi.waitUntil(async () => (await owed()).length === 0)
    expect(upstream.calls).toHaveLength(0)
  })

  test('is joined by a request of its fingerprint as before', async () => {
    const generation = await deployed('queued')
    await vi.waitUntil(async () => (await statusFor(generation, 'acme')) === 'succeeded')
    expect((await ask(teams.acme.key, { prompt: 'Another cat' })).status).toBe(200)
  })
})

/** The phase with which a process begins on a row of a run. */
function phaseOf(row: unknown): Phase {
  const kv = new MemoryRows()
  kv.put('run', row)
  kv.put('prompt', 'A cat')
  return new StateRows({ kv }, new TaskRows({ kv })).load([], Date.now()).phase
}

describe('the row of a run', () => {
  const rows = Object.values(recorded).flatMap(({ rows: all }) => all.filter(([key]) => key === 'run'))

  test('of the release before is read as a queued or a reserving one, with its progress', () => {
    const phases = rows.map(([, row]) => phaseOf(revived(row)))
    expect(phases.map(({ is }) => is)).toEqual(['queued', 'reserving', 'reserving'])
    const calls = phases.map((phase) => ('run' in phase ? phase.run.progress?.calls.length : undefined))
    expect(calls).toEqual([undefined, 1, undefined])
  })

  test('of no known version is logged and begins nothing', () => {
    expect(phaseOf({ version: 9, is: 'running' })).toEqual({ is: 'idle' })
    expect(phaseOf({ id: 'p1' })).toEqual({ is: 'idle' })
  })
})
