import { abortAllDurableObjects, evictAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { ringGenerations } from '../support/alarms'
import { audit, limitStatus as limit } from '../support/accounting'
import { ASYNC, called, cancel, ended, type JobJson } from '../support/jobs'
import { at, NOON, orderOf, reserve, settled } from '../support/orders'
import { after, OTHER_HOOK, receivers, send } from '../support/receiver'
import { askWith } from '../support/settings'
import { ask, operate, team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { deliveries, HOOK } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks, other } = receivers(upstream)

const COMPLETED = 'image.generation.completed'

let acme: TestTeam
beforeEach(async () => {
  // No event goes out by itself.
  at(NOON)
  acme = await team('acme', { concurrency: 9 })
  await operate('PUT', '/teams/acme/webhook', { url: OTHER_HOOK })
})

/** Requests a picture with a URL for its event and with a webhook of its team. */
const tell = (prompt = 'A cat', headers: Record<string, string> = {}): Promise<Response> =>
  ask(acme.key, { prompt }, { 'x-webhook-url': HOOK, ...headers })

/** Makes the team unreachable for generations; returns a function that ends this. */
function cutOff(verb: string): () => void {
  const getByName = env.TEAMS.getByName.bind(env.TEAMS)
  const spy = vi.spyOn(env.TEAMS, 'getByName').mockImplementation((name) => {
    const stub = getByName(name)
    const fail = (): Promise<never> => Promise.reject(new Error('Network connection lost.'))
    return new Proxy(stub, { get: (_, each) => (each === verb ? fail : Reflect.get(stub, each)) })
  })
  return () => spy.mockRestore()
}

const told = (): [string[], string[]] => [hooks.types, other.types]

describe('an event arrives after the process dies', () => {
  test.each([
    ['in the middle of the run', ' @delay=300', () => vi.waitUntil(() => upstream.calls.length === 1)],
    [
      'once the image is stored',
      ' @fault=silence-after-image',
      () => vi.waitUntil(async () => (await env.IMAGES.list({ prefix: 'images/' })).objects.length === 1),
    ],
  ])('%s', async (_, marker, until) => {
    const asked = tell(`A cat${marker}`)
    await until()
    await abortAllDurableObjects()
    await (await asked).text()
    await send()
    expect(told()).toEqual([[COMPLETED], [COMPLETED]])
  })

  test('in the middle of a job without further requests', async () => {
    await tell('A cat @delay=300', { prefer: 'respond-async' })
    await vi.waitUntil(() => upstream.calls.length === 1)
    await abortAllDurableObjects()
    await after(30_000)
    await vi.waitUntil(async () => {
      await ringGenerations()
      return hooks.got.length + other.got.length === 2
    })
    expect(told()).toEqual([[COMPLETED], [COMPLETED]])
  })

  test('between the end and the sending', async () => {
    await tell()
    await abortAllDurableObjects()
    await send()
    expect(told()).toEqual([[COMPLETED], [COMPLETED]])
  })

  test('twice in the middle of a job, with its failure', async () => {
    const { id } = await (await tell('A cat @fault=silence', { prefer: 'respond-async' })).json<JobJson>()
    for (const times of [1, 2]) {
      await vi.waitUntil(() => upstream.calls.length === times)
      await abortAllDurableObjects()
      await after(30_000)
    }
    await ended(acme.key, id)
    await send()
    expect(hooks.events).toMatchObject([{ type: 'image.generation.failed', data: { status: 'failed' } }])
    expect(other.types).toEqual(['image.generation.failed'])
  })

  test('between the sending and its record, again with the same id', async () => {
    const { promise: hangs } = Promise.withResolvers<Response>()
    hooks.answer(() => hangs, 200)
    await tell()
    const sending = ringGenerations().catch(() => {})
    await vi.waitUntil(() => hooks.got.length === 1)
    await abortAllDurableObjects()
    await sending
    await after(30_000)
    expect(hooks.ids).toEqual([hooks.ids[0], hooks.ids[0]])
    expect(new Set(other.ids).size).toBe(1)
    expect((await deliveries()).data.map(({ status }) => status)).toEqual(['delivered', 'delivered'])
  })

  test('between two attempts', async () => {
    hooks.answer(500, 200)
    await tell()
    await send()
    await abortAllDurableObjects()
    await after(6000)
    expect(new Set(hooks.ids)).toEqual(new Set([hooks.ids[0]]))
    expect(hooks.got).toHaveLength(2)
  })

  test('or is evicted', async () => {
    await tell()
    await evictAllDurableObjects()
    await send()
    expect(told()).toEqual([[COMPLETED], [COMPLETED]])
  })
})

describe('an event arrives, if its team', () => {
  test('is unreachable at the settlement', async () => {
    const reconnect = cutOff('settle')
    await tell()
    await send()
    expect(told()).toEqual([[COMPLETED], []])
    await abortAllDurableObjects()
    reconnect()
    await after(30_000)
    await send()
    expect(told()).toEqual([[COMPLETED], [COMPLETED]])
  })

  test('is unreachable at the sending', async () => {
    await tell()
    const reconnect = cutOff('webhook')
    await send()
    expect(told()).toEqual([[], []])
    reconnect()
    await after(6000)
    expect(told()).toEqual([[COMPLETED], [COMPLETED]])
  })

  test('is unreachable after the sending, and then only once', async () => {
    const reconnect = cutOff('recordDelivery')
    await tell()
    await send()
    reconnect()
    await after(6000)
    expect(told()).toEqual([[COMPLETED], [COMPLETED]])
  })

  test('is unreachable at the start of a job, which then fails', async () => {
    const shared = { CACHE_SCOPE: 'shared' }
    const body = { prompt: 'A cat @delay=20000' }
    const payer = await team('other')
    const { id } = await (await askWith(shared, payer.key, body, ASYNC)).json<JobJson>()
    await called(upstream, 1)
    await askWith(shared, acme.key, body, ASYNC)
    const reconnect = cutOff('reserve')
    await cancel(payer.key, id)
    expect(await ended(acme.key, id)).toMatchObject({ status: 'failed', error: { code: 'unavailable' } })
    reconnect()
    await after(30_000)
    await send()
    expect(other.types).toEqual(['image.generation.failed'])
    expect(await limit('acme', 'concurrency')).toMatchObject({ used: 0 })
  })

  test("gets the settlement of an earlier version's run only now, and that version sent no event", async () => {
    const order = orderOf(acme)
    await reserve(order)
    const generation = env.GENERATIONS.getByName('gen_1')
    await runInDurableObject(generation, async (_, { storage }) => {
      storage.kv.put('owed:run_1', { team: 'acme', settlement: settled() })
      await storage.setAlarm(Date.now() + 1000)
    })
    await after(30_000)
    await send()
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded' }])
    expect(told()).toEqual([[], []])
    expect(await runInDurableObject(generation, (_, { storage }) => storage.getAlarm())).toBe(null)
  })

  test('was unreachable at the request, with nothing to report', async () => {
    const reconnect = cutOff('reserve')
    expect((await tell()).status).toBe(503)
    reconnect()
    await after(30_000)
    await send()
    expect(told()).toEqual([[], []])
  })
})
