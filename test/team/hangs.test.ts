import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { audit, generate } from '../support/accounting'
import { ringGenerations } from '../support/alarms'
import { holdTeam } from '../support/held-team'
import { cancel, job, jobState } from '../support/jobs'
import { holdLongTimers } from '../support/long-timers'
import { at, LIMITS, NOON, orderOf } from '../support/orders'
import { receivers } from '../support/receiver'
import { newIsolate } from '../support/settings'
import { type IssuedKey, team } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { HOOK } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks } = receivers(upstream)

let acme: IssuedKey
let pass: (ms: number) => void
beforeEach(async () => {
  // No alarm rings by itself.
  at(NOON)
  acme = await team('acme', LIMITS)
  pass = holdLongTimers()
})

/** Lets two tries of a held call miss their deadline. */
async function outwait(tries: () => number, deadlineMs: number): Promise<void> {
  for (const before of [0, 1]) {
    await vi.waitUntil(() => tries() > before)
    pass(deadlineMs)
  }
}

const never = (): Promise<never> => new Promise(() => {})

const generations = async (): Promise<string[]> => (await audit('acme')).map(({ status }) => status)

describe('a team that does not answer', () => {
  test.each(['admit', 'reserve'] as const)('to %s leads to a 503, and the next request is served', async (verb) => {
    const { asked, end, release, arrived } = holdTeam(verb)
    const answer = generate(acme.key, 'A cat')
    await outwait(asked, 10_000)
    const { status, headers } = await answer
    expect([status, headers.get('retry-after'), upstream.calls.length]).toEqual([503, '1', 0])
    end()
    expect((await generate(acme.key, 'A cat')).status).toBe(200)
    at(NOON + 60_000)
    release()
    await arrived()
    expect(await generations()).toEqual(['succeeded'])
  })

  test('to settle delays no webhook', async () => {
    const { asked } = holdTeam('settle')
    const answer = generate(acme.key, 'A cat', {}, { headers: { 'x-webhook-url': HOOK } })
    await outwait(asked, 10_000)
    expect((await answer).status).toBe(200)
    const before = asked()
    const rung = ringGenerations()
    await outwait(() => asked() - before, 10_000)
    await vi.waitUntil(() => hooks.got.length === 1)
    await rung
  })

  test('to withdraw delays no cancellation', async () => {
    const other = await team('other', { concurrency: 1 })
    await env.TEAMS.getByName('other').reserve(orderOf(other), false)
    const id = await job(other.key, { prompt: 'A cat' })
    const { asked } = holdTeam('withdraw')
    const cancelled = cancel(other.key, id)
    await outwait(asked, 10_000)
    expect((await cancelled).status).toBe(200)
    expect(await jobState(other.key, id)).toMatchObject({ status: 'cancelled' })
  })
})

test('KV that does not answer is a miss, and the object has the image', async () => {
  await generate(acme.key, 'A cat')
  newIsolate()
  const get = vi.spyOn(env.CACHE, 'get').mockImplementation(never)
  const answer = generate(acme.key, 'A cat')
  await vi.waitUntil(() => get.mock.calls.length === 1)
  pass(3000)
  const { status, headers } = await answer
  expect([status, headers.get('x-cache'), upstream.calls.length]).toEqual([200, 'HIT', 1])
})

test('R2 that does not answer leads to a 503, and the next request is served', async () => {
  const WHOLE = { response_format: 'b64_json' }
  await generate(acme.key, 'A cat', WHOLE)
  const get = vi.spyOn(env.IMAGES, 'get').mockImplementation(never)
  const answer = generate(acme.key, 'A cat', WHOLE)
  await outwait(() => get.mock.calls.length, 5000)
  const { status, headers } = await answer
  expect([status, headers.get('retry-after')]).toEqual([503, '2'])
  get.mockRestore()
  expect((await generate(acme.key, 'A cat', WHOLE)).status).toBe(200)
})
