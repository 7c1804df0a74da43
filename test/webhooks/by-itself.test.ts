import { beforeEach, describe, expect, test, vi } from 'vitest'
import { receivers } from '../support/receiver'
import { ask, operate, team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { deliveries, HOOK } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks } = receivers(upstream)

const COMPLETED = 'image.generation.completed'

let acme: TestTeam
beforeEach(async () => {
  acme = await team('acme')
})

const received = (times: number): Promise<boolean> => vi.waitUntil(() => hooks.got.length === times)

describe('an event goes out by itself', () => {
  test.each([
    ['whole', {}, {}],
    ['a stream', { stream: true }, {}],
    ['a job', {}, { prefer: 'respond-async' }],
    ['a job', { prompt: 'A cat @delay=1500' }, { prefer: 'wait=1' }],
    ['uncached', {}, { 'cache-control': 'no-store' }],
  ])('for an answer that was %s', async (_, body, headers) => {
    await (await ask(acme.key, body, { 'x-webhook-url': HOOK, ...headers })).text()
    await received(1)
    expect(hooks.types).toEqual([COMPLETED])
  })

  test('to the webhook of the team', async () => {
    await operate('PUT', '/teams/acme/webhook', { url: HOOK })
    await ask(acme.key)
    await received(1)
    expect(hooks.types).toEqual([COMPLETED])
  })

  test('and again after a failure of its receiver', async () => {
    hooks.answer(500, 200)
    await ask(acme.key, {}, { 'x-webhook-url': HOOK })
    await received(2)
    expect(new Set(hooks.ids).size).toBe(1)
  })

  test('and again when the operator asks for it', async () => {
    await ask(acme.key, {}, { 'x-webhook-url': HOOK })
    await received(1)
    await vi.waitUntil(async () => (await deliveries()).data[0]?.status === 'delivered')
    await operate('POST', `/teams/acme/webhook/deliveries/${hooks.ids[0]}/redeliver`)
    await received(2)
    expect(new Set(hooks.ids).size).toBe(1)
  })
})
