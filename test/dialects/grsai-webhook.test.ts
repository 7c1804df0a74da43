import { beforeEach, describe, expect, test, vi } from 'vitest'
import { ProviderError } from '../../src/providers/provider'
import { clientSettings, draw, drawn, drawResult, type DrawTask, shows, toldDemo, type Wrapped } from '../support/grsai'
import { submitWithWebhook } from '../support/grsai-clients'
import { holdTeam } from '../support/held-team'
import { called, cancel } from '../support/jobs'
import { at, NOON } from '../support/orders'
import { after, OTHER_HOOK, receivers, send, verified } from '../support/receiver'
import { ask, operate, team, type TestTeam } from '../support/teams'
import { upstreams } from '../support/upstreams'
import { HOOK, webhook } from '../support/webhooks'

const { upstream } = upstreams()
const { hooks, other } = receivers(upstream)

/** Of a model that only the demo serves. */
const DRAWN = { model: 'nano-banana-pro' }

let acme: TestTeam
beforeEach(async () => {
  // No event goes out by itself.
  at(NOON)
  acme = await team('acme')
})

/** Requests a picture with a webhook for its task; returns the task's id. */
async function tell(body: Record<string, unknown> = {}): Promise<string> {
  const response = await draw({ webHook: HOOK, ...body }, acme.key)
  return (await response.json<Wrapped<{ id: string }>>()).data.id
}

const tasks = (): DrawTask[] => hooks.got.map(({ body }): DrawTask => JSON.parse(body))

/** The body of the webhook's event after the task's end. */
async function toldOf(id: string): Promise<DrawTask | undefined> {
  await drawn(id, acme.key)
  await send()
  return tasks().at(-1)
}

describe('the webhook of a body', () => {
  test('receives the task in the form that the client of protocols §9.2 reads', async () => {
    const { settings, told } = clientSettings(acme.key)
    await submitWithWebhook(settings, 'A cat', HOOK)
    await vi.waitUntil(async () => (await send(), hooks.got.length > 0))
    const [task] = tasks()
    expect(told).toEqual(['submitted'])
    expect(task).toMatchObject({ status: 'succeeded', progress: 100, width: 1024, height: 1024, failure_reason: '' })
    expect([task?.results, await shows(task?.url ?? '')]).toEqual([[{ url: task?.url, content: '' }], true])
  })

  test('receives it once, signed like every webhook of this gateway', async () => {
    const id = await tell()
    const task = await toldOf(id)
    await send()
    expect([hooks.got.length, task?.id]).toEqual([1, id])
    expect(verified(hooks.last, (await webhook()).secret)).toEqual(task)
  })

  test.each([
    ['moderation', 'input_moderation'],
    ['500', 'error'],
  ])('receives a failure (%s), at no cost', async (fault, failure_reason) => {
    const task = await toldOf(await tell({ prompt: `A cat @fault=${fault}` }))
    expect(task).toMatchObject({ status: 'failed', progress: 100, results: [], failure_reason })
    expect(task?.error).toMatch(/ Nothing was charged\.$/)
  })

  test('receives a cancellation', async () => {
    const id = await tell({ prompt: 'A cat @delay=20000' })
    await called(upstream, 1)
    await cancel(acme.key, id)
    expect(await toldOf(id)).toMatchObject({ id, status: 'failed', failure_reason: 'error' })
  })

  test('receives a cached picture', async () => {
    await (await ask(acme.key, { quality: undefined, size: undefined })).text()
    expect(await toldOf(await tell())).toMatchObject({ status: 'succeeded' })
    expect(upstream.calls).toHaveLength(1)
  })

  test('receives it again after a failed attempt', async () => {
    hooks.answer(500, 200)
    await toldOf(await tell())
    await after(60_000)
    expect(hooks.got).toHaveLength(2)
    expect(new Set(hooks.ids).size).toBe(1)
  })

  test('receives the task beside other events of the same generation', async () => {
    await operate('PUT', '/teams/acme/webhook', { url: OTHER_HOOK })
    const gateway = ask(
      acme.key,
      { prompt: 'A cat @delay=100', quality: undefined, size: undefined },
      { 'x-webhook-url': HOOK },
    )
    const id = await tell({ prompt: 'A cat @delay=100' })
    await (await gateway).text()
    await toldOf(id)
    expect(hooks.got).toHaveLength(2)
    expect(hooks.events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['image.generation.completed', undefined]),
    )
    expect(other.types).toEqual(['image.generation.completed'])
  })

  test("receives the task, even beside a header's webhook with the same Idempotency-Key", async () => {
    const [prompt, headers] = ['A cat @delay=100', { 'idempotency-key': 'k1' }]
    await draw({ prompt, webHook: HOOK }, acme.key, headers)
    const response = await draw({ prompt, webHook: '-1' }, acme.key, { ...headers, 'x-webhook-url': HOOK })
    await toldOf((await response.json<Wrapped<{ id: string }>>()).data.id)
    const words = hooks.events.map(({ type }) => type ?? 'task')
    expect(words.toSorted()).toEqual(['image.generation.completed', 'task'])
    expect(new Set(hooks.ids).size).toBe(2)
  })

  test('receives nothing of an immediate refusal', async () => {
    const { key } = await team('poor', { budget_usd: 0 })
    const refused = await draw({ webHook: HOOK }, key)
    expect(await refused.json()).toMatchObject({ code: -1 })
    await send()
    expect(hooks.got).toEqual([])
  })

  test('is refused beside one in a header', async () => {
    const refused = await draw({ webHook: HOOK }, acme.key, { 'x-webhook-url': OTHER_HOOK })
    expect(await refused.json()).toMatchObject({ code: -1, msg: expect.stringContaining("'webHook'") })
  })

  test("may be in a header beside the webhook -1, and receives the gateway's own event", async () => {
    const response = await draw({ webHook: '-1' }, acme.key, { 'x-webhook-url': HOOK })
    await toldOf((await response.json<Wrapped<{ id: string }>>()).data.id)
    expect(hooks.types).toEqual(['image.generation.completed'])
  })
})

describe('during a task', () => {
  const arrived = (times: number): Promise<boolean> => vi.waitUntil(() => hooks.got.length === times)

  test('its webhook receives its progress, signed, and then its end', async () => {
    const demo = toldDemo()
    const id = await tell(DRAWN)
    demo.at(40)
    await arrived(1)
    const nothing = { results: [], url: '', width: 0, height: 0, failure_reason: '', error: '' }
    const running = { id, status: 'running', progress: 40, ...nothing }
    expect(verified(hooks.last, (await webhook()).secret)).toEqual(running)
    demo.end()
    expect(await toldOf(id)).toMatchObject({ id, status: 'succeeded' })
    expect(new Set(hooks.ids).size).toBe(2)
  })

  test('its webhook receives progress at most every few seconds', async () => {
    const demo = toldDemo()
    const id = await tell(DRAWN)
    demo.at(10)
    await arrived(1)
    for (const percent of [20, 30]) demo.at(percent)
    await vi.waitUntil(async () => (await drawResult(id, acme.key)).data.progress === 30)
    vi.setSystemTime(NOON + 3000)
    demo.at(60)
    await arrived(2)
    demo.end()
    await toldOf(id)
    expect(tasks().map(({ progress }) => progress)).toEqual([10, 60, 100])
  })

  test('a failing webhook gets no faster progress, and the task goes on', async () => {
    hooks.answer(500, 200)
    const demo = toldDemo()
    const id = await tell(DRAWN)
    demo.at(40)
    await arrived(1)
    demo.end()
    expect(await toldOf(id)).toMatchObject({ status: 'succeeded' })
    await after(60_000)
    expect(tasks().map(({ progress }) => progress)).toEqual([40, 100])
  })

  test('a silent webhook delays nothing', async () => {
    hooks.answer(() => new Promise<Response>(() => {}), 200)
    const demo = toldDemo()
    const id = await tell(DRAWN)
    demo.at(40)
    await arrived(1)
    demo.end()
    expect(await toldOf(id)).toMatchObject({ status: 'succeeded' })
  })

  test('a silent webhook delays no other webhook', async () => {
    hooks.answer(() => new Promise<Response>(() => {}), 200)
    const demo = toldDemo()
    const id = await tell(DRAWN)
    await tell({ ...DRAWN, webHook: OTHER_HOOK })
    demo.at(10)
    await arrived(1)
    vi.setSystemTime(NOON + 3000)
    demo.at(60)
    await vi.waitUntil(() => other.got.length === 2)
    demo.end()
    await toldOf(id)
    expect(tasks().map(({ progress }) => progress)).toEqual([10, 100])
  })

  test("a webhook gets no progress after the task's end", async () => {
    const demo = toldDemo()
    const id = await tell(DRAWN)
    const held = holdTeam('webhook')
    demo.at(40)
    await vi.waitUntil(() => held.asked() === 1)
    demo.end()
    await drawn(id, acme.key)
    held.release()
    await toldOf(id)
    expect(tasks().map(({ status }) => status)).toEqual(['succeeded'])
  })

  test('a webhook of a body with shutProgress gets the end alone', async () => {
    const demo = toldDemo()
    const id = await tell({ ...DRAWN, shutProgress: true })
    demo.at(40)
    demo.end(new ProviderError('unavailable', 'is down'))
    expect(await toldOf(id)).toMatchObject({ status: 'failed' })
    expect(hooks.got).toHaveLength(1)
  })

  test('a webhook of a header gets the end alone', async () => {
    const demo = toldDemo()
    const response = await draw({ ...DRAWN, webHook: '-1' }, acme.key, { 'x-webhook-url': HOOK })
    demo.at(40)
    demo.end()
    await toldOf((await response.json<Wrapped<{ id: string }>>()).data.id)
    expect(hooks.types).toEqual(['image.generation.completed'])
  })
})
