import { beforeEach, describe, expect, test, vi } from 'vitest'
import { at, NOON } from '../support/orders'
import { askWith } from '../support/settings'
import { OTHER_HOOK, receivers, send } from '../support/receiver'
import { ask, operate, team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { HOOK } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks, other } = receivers(upstream)

const COMPLETED = 'image.generation.completed'

/** A team with a concurrency of one and one run in progress. */
let acme: TestTeam
let before: Promise<Response>
beforeEach(async () => {
  // No event goes out by itself.
  at(NOON)
  acme = await team('acme', { concurrency: 1 })
  before = ask(acme.key, { prompt: 'A dog @delay=2500' })
  await vi.waitUntil(() => upstream.calls.length === 1)
})

/** Sends a request with a queue wait of so many seconds. */
const wait = (seconds: number, url = HOOK): Promise<Response> =>
  askWith({ QUEUE_WAIT_SECONDS: String(seconds) }, acme.key, {}, { 'x-webhook-url': url })

const QUEUED = { prefer: 'respond-async', 'x-webhook-url': HOOK }

describe("at a team's limit", () => {
  test('a request without a queue wait is refused at once, without an event', async () => {
    expect((await wait(0)).status).toBe(429)
    await before
    await send()
    expect([hooks.got, upstream.calls.length]).toEqual([[], 1])
  })

  test('a refused request keeps the event of a waiting one intact', async () => {
    const impatient = wait(0.2)
    const patient = wait(20)
    expect([(await impatient).status, (await patient).status]).toEqual([429, 200])
    await send()
    expect(hooks.types).toEqual([COMPLETED])
  })

  test('a refused request keeps the event of a job intact', async () => {
    await ask(acme.key, {}, QUEUED)
    expect([(await wait(0)).status, (await wait(0, OTHER_HOOK)).status]).toEqual([429, 429])
    await before
    await vi.waitUntil(() => upstream.calls.length === 2)
    await (await ask(acme.key)).text()
    await send()
    expect([hooks.types, other.types]).toEqual([[COMPLETED], []])
  })

  test('a job with its key revoked before its turn fails with an event', async () => {
    await operate('PUT', '/teams/acme/webhook', { url: OTHER_HOOK })
    await ask(acme.key, {}, QUEUED)
    await operate('DELETE', `/teams/acme/keys/${acme.id}`)
    await before
    await vi.waitUntil(async () => {
      await send()
      return hooks.got.length > 0
    })
    expect(hooks.events).toMatchObject([{ type: 'image.generation.failed', data: { cost_usd: 0 } }])
    expect(other.types.toSorted()).toEqual([COMPLETED, 'image.generation.failed'])
  })
})
