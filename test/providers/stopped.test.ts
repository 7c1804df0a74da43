import { abortAllDurableObjects } from 'cloudflare:test'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations } from '../support/alarms'
import { modelAt, oneAtATime, accountStatusAt } from '../support/asynchronous'
import { FakeBlackForestLabs } from '../support/fake-black-forest-labs'
import { FakeFal } from '../support/fake-fal'
import type { FakeProvider } from '../support/fake-provider'
import { FakeReplicate } from '../support/fake-replicate'
import { cancel, job } from '../support/jobs'
import { knock } from '../support/gateway'
import { playingParts } from '../support/playing'
import { ask, team } from '../support/teams'

interface Stoppable {
  name: string
  fake: FakeProvider
  theirs: string
}

const ABLE: [Stoppable, Stoppable] = [
  { name: 'replicate', fake: new FakeReplicate(), theirs: 'black-forest-labs/flux-2-pro' },
  { name: 'fal', fake: new FakeFal(), theirs: 'fal-ai/flux-2-pro' },
]
const unable = new FakeBlackForestLabs()
const slow = new FakeReplicate()
playingParts([
  ...ABLE.map(({ name, fake, theirs }) => ({ name, fake, setting: oneAtATime(name, theirs) })),
  { name: 'slow', fake: slow, setting: oneAtATime('slow', slow.model, { timeout_seconds: 0.5 }) },
  { name: 'unable', fake: unable, setting: oneAtATime('unable', unable.model) },
])

const bodyFor = (name: string): Record<string, unknown> => ({
  model: modelAt(name),
  prompt: 'A cat @delay=600000',
  size: undefined,
  quality: undefined,
})

const lookedAt = ({ sent }: FakeProvider): Promise<boolean> => vi.waitUntil(() => sent.length >= 2)

describe.each(ABLE)('the job of $name', ({ name, fake }) => {
  test('is stopped there when its caller cancels it', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const id = await job(key, bodyFor(name))
    await lookedAt(fake)
    expect(await (await cancel(key, id)).json()).toMatchObject({ status: 'cancelled', cost_usd: 0 })
    expect(fake.stopped).toEqual([...fake.jobs.keys()])
    expect(fake.submits).toBe(1)
  })
})

test('a job that takes too long is stopped, since its result would be unused', async () => {
  const { key } = await team('acme', { budget_usd: 1 })
  expect((await ask(key, bodyFor('slow'))).status).toBe(504)
  expect([slow.stopped, slow.submits]).toEqual([[...slow.jobs.keys()], 1])
})

test('a job without a successor after its process died is stopped, and its slot freed', async () => {
  const [{ name, fake }] = ABLE
  const { key } = await team('acme', { budget_usd: 1 })
  const hangUp = new AbortController()
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'cache-control': 'no-store' }
  const options = { method: 'POST', headers, body: JSON.stringify(bodyFor(name)), signal: hangUp.signal }
  const gone = knock('/v1/images/generations', options).catch(() => {})
  await lookedAt(fake)
  hangUp.abort()
  await gone
  await abortAllDurableObjects()
  await ringGenerations()
  await vi.waitUntil(() => fake.stopped.length === 1)
  expect(await accountStatusAt(name)).toMatchObject({ slots: 0 })
})

test('an upstream that cannot stop a job gets no such call', async () => {
  const { key } = await team('acme', { budget_usd: 1 })
  const id = await job(key, bodyFor('unable'))
  await lookedAt(unable)
  expect(await (await cancel(key, id)).json()).toMatchObject({ status: 'cancelled' })
  expect(new Set(unable.sent.map(({ method }) => method))).toEqual(new Set(['POST', 'GET']))
})
