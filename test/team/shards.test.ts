import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { full } from '../support/full'
import { LeaseWorld } from '../support/lease-world'

/*
 * A model of decision 50: shards of a team hold slices of a limit by the rules of leases.
 */

const NOON = Date.UTC(2026, 10, 20, 12)

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: NOON }))
afterEach(() => vi.useRealTimers())

/** Has each shard start runs at a rate. Returns the runs and the calls of the team in the last `seconds`. */
async function play(
  world: LeaseWorld,
  { shards, perSecond, seconds }: { shards: number; perSecond: number; seconds: number },
): Promise<{ runs: number; calls: number }> {
  const [all, everyMs, warmUp] = [Array.from({ length: shards }, () => world.isolate()), 20, 4]
  const send = async (forSeconds: number): Promise<void> => {
    for (let sentMs = 0; sentMs < forSeconds * 1000; sentMs += everyMs) {
      for (const shard of all) for (let run = 0; run < (perSecond * everyMs) / 1000; run++) void shard.admit()
      await vi.advanceTimersByTimeAsync(everyMs)
    }
  }
  await send(warmUp)
  const [runs, calls] = [world.admitted.length, world.calls]
  await send(seconds)
  return { runs: (world.admitted.length - runs) / seconds, calls: (world.calls - calls) / seconds }
}

test(
  'ten shards start 4,500 runs a second, and ask the team at most 50 times a second',
  { timeout: 300_000 },
  async () => {
    const world = new LeaseWorld({ requests_per_day: 100_000_000 })
    const { runs, calls } = await play(world, { shards: 10, perSecond: 450, seconds: full ? 60 : 5 })
    expect(runs).toBeGreaterThan(4450)
    expect(calls).toBeLessThanOrEqual(50)
  },
)

test('ten shards use a limit to its last run, and no more', { timeout: 300_000 }, async () => {
  const world = new LeaseWorld({ requests_per_day: 5000 })
  await play(world, { shards: 10, perSecond: 100, seconds: 4 })
  expect(world.admitted.length).toBeLessThanOrEqual(5000)
  expect(world.admitted.length).toBeGreaterThanOrEqual(4750)
})
