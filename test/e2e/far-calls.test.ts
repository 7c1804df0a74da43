import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FarGateway, startFarGateway } from '../bench/latency/far-gateway.ts'
import { callsOf } from '../bench/latency/measure.ts'
import { SCENES, needs } from '../bench/latency/scenes.ts'

let gateway: FarGateway

beforeAll(async () => {
  gateway = await startFarGateway(needs(1))
})
afterAll(() => gateway?.stop())

/**
 * The far calls before the answer, in steps. The calls of a step are under way at once, and the next step follows them.
 * A change of the gateway that saves a call or a step changes the line.
 */
const STEPS: Record<string, string[]> = {
  'url hit, warm key': ['CACHE.get'],
  'url hit, hot picture': [],
  'url hit, cold isolate': ['TEAMS.admit', 'CACHE.get'],
  'b64_json hit': ['CACHE.get', 'IMAGES.get'],
  'url miss': ['CACHE.get', 'GENERATIONS.obtain', 'TEAMS.reserve', 'ACCOUNTS.enter + IMAGES.put'],
  'b64_json miss': [
    'CACHE.get',
    'GENERATIONS.obtain',
    'TEAMS.reserve',
    'ACCOUNTS.enter + IMAGES.put',
    'ACCOUNTS.leave + CACHE.put + IMAGES.get + TEAMS.settle',
  ],
  // None of the three was called before, so the first slot is waited for.
  'url miss, three upstreams': [
    'CACHE.get',
    'GENERATIONS.obtain',
    '3 ACCOUNTS.health + TEAMS.reserve',
    'ACCOUNTS.enter',
    'IMAGES.put',
  ],
  'streamed miss': [
    'CACHE.get',
    'GENERATIONS.obtain',
    'TEAMS.reserve',
    'ACCOUNTS.enter + IMAGES.put',
    'IMAGES.get + IMAGES.put',
    'ACCOUNTS.leave + CACHE.put + IMAGES.get + TEAMS.settle',
  ],
  'url join': ['2 CACHE.get', '2 GENERATIONS.obtain', 'TEAMS.reserve', 'ACCOUNTS.enter + IMAGES.put'],
  'job submission': ['GENERATIONS.submit', 'TEAMS.reserve'],
  'status of a finished job': ['TEAMS.findAs', 'GENERATIONS.see'],
  'status of a running job': ['TEAMS.findAs', 'GENERATIONS.see'],
  models: ['TEAMS.stateAs'],
  usage: ['TEAMS.accountAs'],
  generations: ['TEAMS.listAs'],
}

test.each(Object.keys(SCENES))('%s has its answer after these steps of far calls', async (scene) => {
  const { before } = await callsOf(gateway, scene)
  expect(before).toEqual(STEPS[scene])
})
