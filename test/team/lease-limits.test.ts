import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest'
import { full } from '../support/full'
import { type Isolate, LeaseWorld } from '../support/lease-world'
import { LEASE_MS } from '../../src/limits/lease'
import type { Limits } from '../../src/limits/limits'
import { type Meter, meterAt, minuteBucket, withRequests } from '../../src/limits/meter'
import { DAY_MS, MINUTE_MS } from '../../src/runtime/durations'

const NOON = Date.UTC(2026, 10, 20, 12)
const RUNS = { seed: inject('fuzz').seed, numRuns: full ? 500 : 20 }

beforeEach(() => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: NOON }))
afterEach(() => vi.useRealTimers())

/** Isolates that send requests at random times. Another one follows the end of each. */
interface Crowd {
  isolates: number
  /** The mean pause between two requests of an isolate, and the mean life of an isolate, in ms. */
  pauseMs: number
  lifeMs: number
  /** Whether the team dies now and then. */
  teamDies: boolean
}

async function play(world: LeaseWorld, crowd: Crowd, forMs: number, random: () => number): Promise<void> {
  const untilMs = Date.now() + forMs
  const some = (meanMs: number): number => Math.ceil(-Math.log(1 - random()) * meanMs)
  const later = (ms: number, act: () => void): void => void setTimeout(() => Date.now() < untilMs && act(), ms)
  const send = async (isolate: Isolate): Promise<void> => {
    if (isolate.isDead) return
    await isolate.admit()
    later(some(crowd.pauseMs), () => void send(isolate))
  }
  const live = async (): Promise<void> => {
    const isolate = world.isolate()
    await send(isolate)
    later(some(crowd.lifeMs), () => {
      isolate.die()
      void live()
    })
  }
  const dies = (): void => {
    world.restartTeam()
    later(some(MINUTE_MS), dies)
  }
  for (let started = 0; started < crowd.isolates; started++) void live()
  if (crowd.teamDies) dies()
  await vi.advanceTimersByTimeAsync(forMs + MINUTE_MS)
}

/** A generator of numbers below 1 that a seed decides. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/** The number of requests that one counter admits without leases, in their order. */
function admittedByCounter(times: readonly number[], limits: Limits): number {
  let meter: Meter | undefined
  let admitted = 0
  for (const nowMs of times.toSorted((a, b) => a - b)) {
    const current = meterAt(meter, limits, nowMs)
    const { left } = minuteBucket(current, limits, nowMs) ?? { left: Infinity }
    if (left < 1 || current.requests >= (limits.requests_per_day ?? Infinity)) continue
    meter = withRequests(current, 1)
    admitted += 1
  }
  return admitted
}

/** The most requests of a minute's bucket within a time: those at once, and those that drain meanwhile. */
function mostOf(bucket: Limits, forMs: number): number {
  const { requests_per_minute: perMinute, burst } = bucket
  if (!perMinute) return Infinity
  const atOnce = burst ?? perMinute
  const drop = Math.min(5, atOnce)
  const everyMs = (drop * MINUTE_MS) / perMinute
  return atOnce + drop * (Math.floor(forMs / everyMs) + 1)
}

/** Whether more requests were admitted within some time than the limits allow. */
function exceeds(admitted: readonly number[], limits: Limits): boolean {
  const times = admitted.toSorted((a, b) => a - b)
  const isTooMany = (from: number): boolean =>
    times.slice(from).some((atMs, further) => further + 1 > mostOf(limits, atMs - (times[from] ?? 0)))
  return times.length > (limits.requests_per_day ?? Infinity) || times.some((_, from) => isTooMany(from))
}

const crowds = fc.record({
  isolates: fc.integer({ min: 1, max: 8 }),
  pauseMs: fc.constantFrom(100, 500, 2000, 10_000),
  lifeMs: fc.constantFrom(5000, 60_000, DAY_MS),
  teamDies: fc.boolean(),
})
const limitSets = fc.constantFrom<Limits[]>(
  { requests_per_minute: 20 },
  { requests_per_minute: 100, burst: 10 },
  { requests_per_minute: 600 },
  { requests_per_day: 60 },
  { requests_per_minute: 60, requests_per_day: 1000 },
)

test('a limit is not exceeded by isolates with leases, whatever dies', { timeout: 1_800_000 }, async () => {
  const run = fc.asyncProperty(
    limitSets,
    fc.boolean(),
    crowds,
    fc.integer({ min: 1, max: 1e6 }),
    async (limits, isOfKey, crowd, seed) => {
      const world = new LeaseWorld(isOfKey ? {} : limits, isOfKey ? limits : {})
      await play(world, crowd, 3 * MINUTE_MS, randomOf(seed))
      expect(exceeds(world.admitted, limits)).toBe(false)
    },
  )
  await fc.assert(run, RUNS)
})

test('the requests of an isolate that died before its report count', async () => {
  const world = new LeaseWorld({ requests_per_day: 60 })
  const [one, other] = [world.isolate(), world.isolate()]
  for (const _ of [1, 2, 3]) {
    await Promise.all([one.admit(), vi.advanceTimersByTimeAsync(100)])
    if (world.admitted.length > 1) one.die()
  }
  const early = world.admitted.length
  expect(early).toBeGreaterThan(1)
  for (let sent = 0; sent < 80; sent++) await Promise.all([other.admit(), vi.advanceTimersByTimeAsync(1000)])
  expect(world.admitted.length).toBeGreaterThan(early + 50)
  expect(world.admitted.length).toBeLessThanOrEqual(60)
})

describe('isolates with leases admit at least 95 % of what one counter admits within ten minutes', () => {
  test.each([
    ['if they stay', DAY_MS],
    ['if they die after a minute', MINUTE_MS],
    ['if they die after five seconds', 5000],
    ['if they die at their first request', 1],
  ])('%s', { timeout: 300_000 }, async (_, lifeMs) => {
    for (const perMinute of full ? [20, 100, 600] : [20, 100]) {
      const limits = { requests_per_minute: perMinute }
      const world = new LeaseWorld(limits)
      const pauseMs = (5 * MINUTE_MS) / (2 * perMinute)
      await play(world, { isolates: 5, pauseMs, lifeMs, teamDies: false }, 10 * MINUTE_MS, randomOf(7))
      const best = admittedByCounter(world.asked, limits)
      console.log(perMinute, lifeMs, world.admitted.length / best)
      expect(world.admitted.length).toBeGreaterThanOrEqual(0.95 * best)
    }
  })
})

test(
  '10,000 admissions a second over 50 isolates ask the team at most 100 times a second',
  { timeout: 600_000 },
  async () => {
    const [isolates, everyMs, seconds] = [50, 20, full ? 60 : 10]
    const limits = { requests_per_minute: 600_000, requests_per_day: 100_000_000 }
    const world = new LeaseWorld(limits)
    const all = Array.from({ length: isolates }, () => world.isolate())
    const burst = (): void => {
      for (const isolate of all) for (let request = 0; request < 4; request++) void isolate.admit()
    }
    const sending = async (forSeconds: number): Promise<void> => {
      for (let sentMs = 0; sentMs < forSeconds * 1000; sentMs += everyMs) {
        burst()
        await vi.advanceTimersByTimeAsync(everyMs)
      }
    }
    // The leases grow in the first seconds.
    await sending(3)
    const [callsBefore, admittedBefore] = [world.calls, world.admitted.length]
    await sending(seconds)
    const [calls, admitted] = [world.calls - callsBefore, world.admitted.length - admittedBefore]
    console.log(`${admitted / seconds} admissions and ${calls / seconds} calls of the team a second`)
    expect(admitted / seconds).toBeGreaterThan(9_900)
    expect(calls / seconds).toBeLessThanOrEqual(100)
    expect(world.admitted.length).toBeLessThanOrEqual(mostOf(limits, (3 + seconds) * 1000))
  },
)

describe('a busy and a quiet isolate admit no request of a key', () => {
  test.each([100, 15_000])('20 s after its revocation, with a request every %i ms', async (everyMs) => {
    const world = new LeaseWorld({})
    const isolate = world.isolate()
    const send = async (times: number): Promise<void> => {
      for (let sent = 0; sent < times; sent++) {
        void isolate.admit().catch(() => {})
        await vi.advanceTimersByTimeAsync(everyMs)
      }
    }
    await send(10)
    world.revokeKey()
    const revokedMs = Date.now()
    await send(100)
    expect(world.admitted.filter((atMs) => atMs > revokedMs + LEASE_MS)).toEqual([])
    expect(world.admitted.length).toBeGreaterThanOrEqual(10)
  })
})
