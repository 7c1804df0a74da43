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

/** Asks for a picture and has its task told to a URL; the id of the task. */
async function tell(body: Record<string, unknown> = {}): Promise<string> {
  const response = await draw({ webHook: HOOK, ...body }, acme.key)
  return (await response.json<Wrapped<{ id: string }>>()).data.id
}

const tasks = (): DrawTask[] => hooks.got.map(({ body }): DrawTask => JSON.parse(body))

/** The task that the URL is told when it has ended. */
async function toldOf(id: string): Promise<DrawTask | undefined> {
  await drawn(id, acme.key)
  await send()
  return tasks().at(-1)
}

describe('the URL of a body', () => {
  test('receives the task, as the client of protocols §9.2 reads it', async () => {
    const { settings, told } = clientSettings(acme.key)
    await submitWithWebhook(settings, 'A cat', HOOK)
    await vi.waitUntil(async () => (await send(), hooks.got.length > 0))
    const [task] = tasks()
    expect(told).toEqual(['submitted'])
    expect(task).toMatchObject({ status: 'succeeded', progress: 100, width: 1024, height: 1024, failure_reason: '' })
    expect([task?.results, await shows(task?.url ?? '')]).toEqual([[{ url: task?.url, content: '' }], true])
  })

  test('is told it once, signed as every webhook of this gateway is', async () => {
    const id = await tell()
    const task = await toldOf(id)
    await send()
    expect([hooks.got.length, task?.id]).toEqual([1, id])
    expect(verified(hooks.last, (await webhook()).secret)).toEqual(task)
  })

  test.each([
    ['moderation', 'input_moderation'],
    ['500', 'error'],
  ])('is told that the task failed (%s), for nothing', async (fault, failure_reason) => {
    const task = await toldOf(await tell({ prompt: `A cat @fault=${fault}` }))
    expect(task).toMatchObject({ status: 'failed', progress: 100, results: [], failure_reason })
    expect(task?.error).toMatch(/ Nothing was charged\.$/)
  })

  test('is told that the task was cancelled', async () => {
    const id = await tell({ prompt: 'A cat @delay=20000' })
    await called(upstream, 1)
    await cancel(acme.key, id)
    expect(await toldOf(id)).toMatchObject({ id, status: 'failed', failure_reason: 'error' })
  })

  test('is told of what is there already', async () => {
    await (await ask(acme.key, { quality: undefined, size: undefined })).text()
    expect(await toldOf(await tell())).toMatchObject({ status: 'succeeded' })
    expect(upstream.calls).toHaveLength(1)
  })

  test('is told again after it did not answer well', async () => {
    hooks.answer(500, 200)
    await toldOf(await tell())
    await after(60_000)
    expect(hooks.got).toHaveLength(2)
    expect(new Set(hooks.ids).size).toBe(1)
  })

  test('is told the task, whatever else is told of the same generation', async () => {
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

  test('is told the task, also where the same Idempotency-Key has it told in the words of the gateway', async () => {
    const [prompt, headers] = ['A cat @delay=100', { 'idempotency-key': 'k1' }]
    await draw({ prompt, webHook: HOOK }, acme.key, headers)
    const response = await draw({ prompt, webHook: '-1' }, acme.key, { ...headers, 'x-webhook-url': HOOK })
    await toldOf((await response.json<Wrapped<{ id: string }>>()).data.id)
    const words = hooks.events.map(({ type }) => type ?? 'task')
    expect(words.toSorted()).toEqual(['image.generation.completed', 'task'])
    expect(new Set(hooks.ids).size).toBe(2)
  })

  test('is not told of what was refused at once', async () => {
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

  test('may be named in a header where the body asks for the id alone, and is told in the words of the gateway', async () => {
    const response = await draw({ webHook: '-1' }, acme.key, { 'x-webhook-url': HOOK })
    await toldOf((await response.json<Wrapped<{ id: string }>>()).data.id)
    expect(hooks.types).toEqual(['image.generation.completed'])
  })
})

describe('while a task runs', () => {
  const arrived = (times: number): Promise<boolean> => vi.waitUntil(() => hooks.got.length === times)

  test('its URL is told how far it is, signed, and then how it ended', async () => {
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

  test('its URL is told no more than every few seconds', async () => {
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

  test('a URL that does not answer well is told no sooner for that, and the task goes on', async () => {
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

  test('a URL that does not answer at all holds nothing up', async () => {
    hooks.answer(() => new Promise<Response>(() => {}), 200)
    const demo = toldDemo()
    const id = await tell(DRAWN)
    demo.at(40)
    await arrived(1)
    demo.end()
    expect(await toldOf(id)).toMatchObject({ status: 'succeeded' })
  })

  test('a URL that does not answer at all keeps no other from being told', async () => {
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

  test('a URL is not told that a task runs that has ended meanwhile', async () => {
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

  test('a URL whose body wants no progress is told its end alone', async () => {
    const demo = toldDemo()
    const id = await tell({ ...DRAWN, shutProgress: true })
    demo.at(40)
    demo.end(new ProviderError('unavailable', 'is down'))
    expect(await toldOf(id)).toMatchObject({ status: 'failed' })
    expect(hooks.got).toHaveLength(1)
  })

  test('a URL of a header is told its end alone', async () => {
    const demo = toldDemo()
    const response = await draw({ ...DRAWN, webHook: '-1' }, acme.key, { 'x-webhook-url': HOOK })
    demo.at(40)
    demo.end()
    await toldOf((await response.json<Wrapped<{ id: string }>>()).data.id)
    expect(hooks.types).toEqual(['image.generation.completed'])
  })
})
