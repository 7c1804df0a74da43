import { runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Phase } from '../../src/generation/state'
import { StateRows } from '../../src/generation/rows/state-rows'
import { TaskRows } from '../../src/generation/rows/task-rows'
import { limitStatus } from '../support/accounting'
import { receivers, send } from '../support/receiver'
import { ask, team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { MemoryRows } from './life/life'
import { deployed, type Recorded, RECORDED, revived, rowOfRun, statusFor } from './stored-rows'

const { upstream } = upstreams()
const { hooks } = receivers(upstream)

let teams: { acme: TestTeam; other: TestTeam }
beforeEach(async () => {
  teams = { acme: await team('acme', { concurrency: 1 }), other: await team('other', { concurrency: 1 }) }
})

describe('a generation that the release before the state machine stored', () => {
  test('while it waited for its turn is made after the deploy, for both of its teams', async () => {
    const generation = await deployed('queued', teams)
    await vi.waitUntil(async () => (await statusFor(generation, 'acme')) === 'succeeded')
    expect(await statusFor(generation, 'other')).toBe('succeeded')
    expect(upstream.calls).toHaveLength(1)
    await send()
    expect(hooks.types).toEqual(['image.generation.completed'])
  })

  test('with all images in R2 has them as its result, without another call', async () => {
    const generation = await deployed('generating', teams)
    await vi.waitUntil(async () => (await statusFor(generation, 'acme')) === 'succeeded')
    expect((await generation.see('other'))?.snapshot.images).toHaveLength(2)
    expect(upstream.calls).toHaveLength(0)
  })

  test('while it asked for its money is made for the URL that waits', async () => {
    await deployed('reserving', teams)
    await vi.waitUntil(() => upstream.calls.length === 1)
    await vi.waitUntil(async () => {
      await send()
      return hooks.types.length === 1
    })
    expect(hooks.types).toEqual(['image.generation.completed'])
    expect(await limitStatus('acme', 'concurrency')).toMatchObject({ used: 0 })
  })

  test.each(['settling', 'refused'] as const)('with an unconfirmed settlement settles: %s', async (name) => {
    const generation = await deployed(name, teams)
    const owed = (): Promise<string[]> =>
      runInDurableObject(generation, (_, { storage }) => [...storage.kv.list({ prefix: 'owed:' })].map(([key]) => key))
    await vi.waitUntil(async () => (await owed()).length === 0)
    expect(upstream.calls).toHaveLength(0)
  })

  test('is joined by a request of its fingerprint as before', async () => {
    const generation = await deployed('queued', teams)
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

/** The phases of the recorded runs, and the number of their calls. */
const PHASES: Partial<Record<Recorded, [is: string, calls: number]>> = {
  queued: ['queued', 0],
  generating: ['reserving', 1],
  reserving: ['reserving', 0],
  edit: ['reserving', 1],
  drawing: ['reserving', 1],
  streaming: ['reserving', 1],
  cropped: ['reserving', 1],
  job: ['reserving', 2],
  resumed: ['reserving', 2],
  betweenAttempts: ['reserving', 1],
  secondAttempt: ['reserving', 2],
  followed: ['reserving', 1],
}

describe('the row of a run', () => {
  test.each(RECORDED.filter(rowOfRun))('of the release before is read with its progress: %s', (name) => {
    const phase = phaseOf(revived(rowOfRun(name)))
    const calls = 'run' in phase ? (phase.run.progress?.calls.length ?? 0) : 0
    expect([phase.is, calls]).toEqual(PHASES[name])
  })

  test.each(RECORDED.filter(rowOfRun))('of the release before loses no field: %s', (name) => {
    const row = revived(rowOfRun(name))
    const phase = phaseOf(row)
    const { prompt, ...request } = 'run' in phase ? phase.run.task.request : { prompt: '' }
    const read = 'run' in phase ? { ...phase.run, task: { ...phase.run.task, request } } : undefined
    const instead = phase.is === 'queued' ? { queued: phase.instead } : {}
    expect({ ...read, ...instead }).toEqual(row)
    expect(prompt).toBe('A cat')
  })

  test('of no known version is logged and begins nothing', () => {
    expect(phaseOf({ version: 9, is: 'running' })).toEqual({ is: 'idle' })
    expect(phaseOf({ id: 'p1' })).toEqual({ is: 'idle' })
  })
})
