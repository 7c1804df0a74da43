import { beforeEach, describe, expect, test } from 'vitest'
import { errorOf } from '../support/gateway'
import { at, HOUR, NOON } from '../support/orders'
import { after, receivers, send, verified } from '../support/receiver'
import { ask, operate, team, type TestTeam, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { deliveries, HOOK, webhook } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks } = receivers(upstream)

const DAY = 24 * HOUR

let acme: TestTeam
let generation: string
beforeEach(async () => {
  // No event goes out by itself.
  at(NOON)
  acme = await team('acme')
  await operate('PUT', '/teams/acme/webhook', { url: HOOK })
})

/** Makes a picture and sends its event. */
async function tell(): Promise<string> {
  const response = await ask(acme.key)
  generation = response.headers.get('x-generation-id') ?? ''
  await send()
  return hooks.last.id
}

const redeliver = (id: string, of = 'acme'): Promise<Response> =>
  operate('POST', `/teams/${of}/webhook/deliveries/${id}/redeliver`)

describe('a redelivered event', () => {
  test('is the same, with a new signature', async () => {
    const id = await tell()
    await after(HOUR)
    const again = await redeliver(id)
    expect(again.status).toBe(202)
    expect(await again.json()).toMatchObject({ id, status: 'pending', attempts: 1 })
    await send()
    expect(hooks.ids).toEqual([id, id])
    expect(hooks.got[0]?.body).toBe(hooks.last.body)
    expect(verified(hooks.last, (await webhook()).secret)).toEqual(hooks.events[0])
    expect((await deliveries()).data).toMatchObject([{ id, status: 'delivered', attempts: 2 }])
    await after(DAY)
    expect(hooks.got).toHaveLength(2)
  })

  test('does not wait for the next attempt', async () => {
    hooks.answer(500, 200)
    const id = await tell()
    await redeliver(id)
    await send()
    expect((await deliveries()).data).toMatchObject([{ status: 'delivered', attempts: 2 }])
  })

  test('may have run out of attempts', async () => {
    hooks.answer(500)
    const id = await tell()
    for (const hours of [1, 1, 1, 3, 6, 12]) await after(hours * HOUR)
    expect((await deliveries()).data).toMatchObject([{ status: 'failed', attempts: 7 }])
    hooks.answer(200)
    await redeliver(id)
    await send()
    expect((await deliveries()).data).toMatchObject([{ status: 'delivered', attempts: 8, last_error: null }])
  })

  test('arrives after a 410 once the webhook is set again, and the webhook stays set', async () => {
    hooks.answer(410, 200)
    const id = await tell()
    await operate('PUT', '/teams/acme/webhook', { url: HOOK })
    await redeliver(id)
    expect(await webhook()).toMatchObject({ disabled_at: null })
    await send()
    expect(hooks.ids).toEqual([id, id])
  })

  test('to a disabled webhook is not sent and not pending', async () => {
    hooks.answer(410, 200)
    const id = await tell()
    await redeliver(id)
    await send()
    expect(hooks.got).toHaveLength(1)
    expect((await deliveries()).data).toMatchObject([{ status: 'failed', next_attempt_at: null }])
  })

  test('is available for two days', async () => {
    const id = await tell()
    await after(2 * DAY - 1)
    expect((await redeliver(id)).status).toBe(202)
    await after(1)
    expect(hooks.got).toHaveLength(2)
    expect(await errorOf(await redeliver(id))).toMatchObject({ status: 409, message: expect.stringContaining('again') })
  })

  test('is gone with its generation', async () => {
    const id = await tell()
    expect((await visit(acme.key, `/v1/generations/${generation}`, 'DELETE')).status).toBe(200)
    expect((await redeliver(id)).status).toBe(409)
    await send()
    expect(hooks.got).toHaveLength(1)
  })

  test.each([
    ['of another team', async (id: string) => await redeliver(id, 'beta')],
    ['of an unknown id', async () => await redeliver('evt_none')],
  ])('is never one %s', async (_, sent) => {
    await team('beta')
    const id = await tell()
    expect(await errorOf(await sent(id))).toMatchObject({ status: 404 })
    await send()
    expect(hooks.got).toHaveLength(1)
  })
})
