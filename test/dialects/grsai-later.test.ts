import { beforeEach, describe, expect, test, vi } from 'vitest'
import { used } from '../support/accounting'
import { post } from '../support/gateway'
import { clientSettings, draw, drawn, drawResult, shows, taken, toldDemo, type Wrapped } from '../support/grsai'
import { pollUntilSucceeded } from '../support/grsai-clients'
import { called, cancel, jobWithStatus } from '../support/jobs'
import { ask, team, type TestTeam, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

let acme: TestTeam
beforeEach(async () => {
  acme = await team('acme', { budget_usd: 1 })
})

const ID = /^gen_[0-9a-f]{64}$/

describe('the polling client of protocols §9.2', () => {
  test('gets its picture', async () => {
    const { settings, told } = clientSettings(acme.key)
    const [url = '', ...others] = await pollUntilSucceeded(settings, 'A cat', 20)
    expect([told[0], told.at(-1), others]).toEqual([expect.stringMatching(/^task gen_/), 'succeeded', []])
    expect(await shows(url)).toBe(true)
  })

  test('gets that of a slow task', async () => {
    const { settings, told } = clientSettings(acme.key)
    await pollUntilSucceeded(settings, 'A cat @delay=200', 20)
    expect(new Set(told.slice(1))).toEqual(new Set(['running', 'succeeded']))
  })
})

describe('a request with the webhook -1', () => {
  test("has the id at once, and the task's location in the headers as well", async () => {
    const response = await draw({ prompt: 'A cat @delay=5000', webHook: '-1' }, acme.key)
    const { data, ...rest } = await response.json<Wrapped<{ id: string }>>()
    expect([response.status, rest]).toEqual([200, { code: 0, msg: 'success' }])
    expect(data).toEqual({ id: expect.stringMatching(ID) })
    expect(response.headers.get('location')).toBe(`/v1/generations/${data.id}`)
    expect(await drawResult(data.id, acme.key)).toMatchObject({ code: 0, data: { status: 'running', progress: 0 } })
  })

  test('has the whole task until its end, and then its picture', async () => {
    const demo = toldDemo()
    const id = await taken({ model: 'nano-banana-pro', variants: 2 }, acme.key)
    demo.at(40)
    const nothing = { results: [], url: '', width: 0, height: 0, failure_reason: '', error: '' }
    await vi.waitUntil(async () => (await drawResult(id, acme.key)).data.progress === 40)
    const running = { id, status: 'running', progress: 40, ...nothing }
    expect(await drawResult(id, acme.key)).toEqual({ code: 0, msg: 'success', data: running })
    demo.end()
    const { results, url, ...ended } = await drawn(id, acme.key)
    const { results: _, url: __, ...still } = nothing
    expect(ended).toEqual({ ...still, id, status: 'succeeded', progress: 100, width: 1024, height: 1024 })
    expect(results.map(({ content }) => content)).toEqual(['', ''])
    expect([results[0]?.url, await shows(results[1]?.url ?? '')]).toEqual([url, true])
  })

  test('has no success before its end', async () => {
    const demo = toldDemo()
    const id = await taken({ model: 'nano-banana-pro' }, acme.key)
    demo.at(100)
    await vi.waitUntil(async () => (await drawResult(id, acme.key)).data.progress === 99)
    demo.end()
    expect(await drawn(id, acme.key)).toMatchObject({ status: 'succeeded', progress: 100 })
  })

  test.each([
    ['moderation', 'input_moderation'],
    ['500', 'error'],
  ])("has the task's failure (%s), at no cost", async (fault, failure_reason) => {
    const id = await taken({ prompt: `A cat @fault=${fault}` }, acme.key)
    const task = await drawn(id, acme.key)
    expect(task).toMatchObject({ id, status: 'failed', progress: 100, results: [], url: '', failure_reason })
    expect(task.error).toMatch(/ Nothing was charged\.$/)
    expect(await used('acme')).toBe(0)
  })

  test("has the task's cancellation", async () => {
    const id = await taken({ prompt: 'A cat @delay=20000' }, acme.key)
    await called(upstream, 1)
    await cancel(acme.key, id)
    const told = { status: 'failed', failure_reason: 'error', error: expect.stringContaining('cancelled') }
    expect((await drawResult(id, acme.key)).data).toMatchObject(told)
  })

  test('for a cached picture finds it at once', async () => {
    await (await ask(acme.key, { quality: undefined, size: undefined })).text()
    const id = await taken({}, acme.key)
    expect((await drawResult(id, acme.key)).data).toMatchObject({ id, status: 'succeeded', progress: 100 })
    expect(upstream.calls).toHaveLength(1)
  })

  test('waits its turn as a task that appears to run', async () => {
    const { key } = await team('small', { concurrency: 1 })
    const first = await taken({ prompt: 'A dog @delay=300' }, key)
    const second = await taken({}, key)
    expect((await drawResult(second, key)).data).toMatchObject({ status: 'running', progress: 0 })
    await drawn(first, key)
    expect(await drawn(second, key)).toMatchObject({ status: 'succeeded' })
  })

  test('has a task that counts as a generation everywhere else', async () => {
    const id = await taken({}, acme.key)
    const { url } = await drawn(id, acme.key)
    const { result, ...shown } = await (await visit(acme.key, `/v1/generations/${id}`)).json<Record<string, unknown>>()
    expect(shown).toMatchObject({ object: 'generation', id, status: 'succeeded' })
    expect(result).toMatchObject({ id, status: 'succeeded', url: expect.stringContaining(new URL(url).pathname) })
  })
})

test('the estimate stands for progress without a report of the upstream', async () => {
  await (await ask(acme.key, { prompt: 'A dog @delay=100' })).text()
  const id = await taken({ prompt: 'A cat @delay=5000' }, acme.key)
  await called(upstream, 2)
  await vi.waitUntil(async () => (await drawResult(id, acme.key)).data.progress === 95)
  expect(await cancel(acme.key, id)).toMatchObject({ status: 200 })
})

test('a client with Prefer: respond-async gets a 202 of this gateway and polls as usual', async () => {
  const response = await draw({}, acme.key, { prefer: 'respond-async' })
  const { id } = await response.json<{ id: string }>()
  expect([response.status, response.headers.get('preference-applied')]).toEqual([202, 'respond-async'])
  await jobWithStatus(acme.key, id, 'succeeded')
  expect((await drawResult(id, acme.key)).data).toMatchObject({ id, status: 'succeeded' })
})

test('the nano-banana route submits jobs as well', async () => {
  const body = { model: 'nano-banana-fast', prompt: 'A cat', webHook: '-1', shutProgress: true }
  const response = await post('/v1/draw/nano-banana', body)
  const { data } = await response.json<Wrapped<{ id: string }>>()
  expect(await drawn(data.id)).toMatchObject({ status: 'succeeded' })
})
