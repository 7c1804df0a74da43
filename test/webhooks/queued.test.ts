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

/** A team that makes one picture at a time, and has one in the making. */
let acme: TestTeam
let before: Promise<Response>
beforeEach(async () => {
  // No event goes out by itself.
  at(NOON)
  acme = await team('acme', { concurrency: 1 })
  before = ask(acme.key, { prompt: 'A dog @delay=2500' })
  await vi.waitUntil(() => upstream.calls.length === 1)
})

/** Asks, and waits for so many seconds for its turn. */
const wait = (seconds: number, url = HOOK): Promise<Response> =>
  askWith({ QUEUE_WAIT_SECONDS: String(seconds) }, acme.key, {}, { 'x-webhook-url': url })

const QUEUED = { prefer: 'respond-async', 'x-webhook-url': HOOK }

describe('where a team is at its limit', () => {
  test('a request is turned away at once that does not want to wait, and its URL hears nothing', async () => {
    expect((await wait(0)).status).toBe(429)
    await before
    await send()
    expect([hooks.got, upstream.calls.length]).toEqual([[], 1])
  })

  test('whoever is turned away does not take the news from whoever waits for the same', async () => {
    const impatient = wait(0.2)
    const patient = wait(20)
    expect([(await impatient).status, (await patient).status]).toEqual([429, 200])
    await send()
    expect(hooks.types).toEqual([COMPLETED])
  })

  test('whoever is turned away does not take the news from a job', async () => {
    await ask(acme.key, {}, QUEUED)
    expect([(await wait(0)).status, (await wait(0, OTHER_HOOK)).status]).toEqual([429, 429])
    await before
    await vi.waitUntil(() => upstream.calls.length === 2)
    await (await ask(acme.key)).text()
    await send()
    expect([hooks.types, other.types]).toEqual([[COMPLETED], []])
  })

  test('a job whose key is revoked before its turn has failed, as its team hears', async () => {
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
