import { abortAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations } from '../support/alarms'
import { ASYNCHRONOUS, finish, modelAt, oneAtATime, PRICE, accountStatusAt } from '../support/asynchronous'
import { audit, micro, used } from '../support/accounting'
import type { FakeProvider } from '../support/fake-provider'
import { ended, job, jobState } from '../support/jobs'
import { playingParts } from '../support/playing'
import { ask, stored, team } from '../support/teams'

playingParts(ASYNCHRONOUS.map(({ name, fake, theirs }) => ({ name, fake, setting: oneAtATime(name, theirs) })))

/** No job ends before a test ends it. */
const PROMPT = 'A cat @delay=600000'

const bodyFor = (name: string): Record<string, unknown> => ({
  model: modelAt(name),
  prompt: PROMPT,
  size: undefined,
  quality: undefined,
})

/** Waits for a poll of the job's status. */
const underWay = ({ sent }: FakeProvider): Promise<boolean> => vi.waitUntil(() => sent.length >= 2)

/** One picture was made and paid once, with one slot, which is free. */
async function expectOnce({ name, fake, begun }: (typeof ASYNCHRONOUS)[number]): Promise<void> {
  expect(fake.submits).toBe(begun)
  expect(await audit('acme')).toMatchObject([
    { status: 'succeeded', n: 1, attempts: 1, upstream: name, cost_usd: PRICE, images: [expect.any(String)] },
  ])
  expect(await used('acme')).toBe(micro(PRICE))
  await vi.waitUntil(async () => (await stored()) === 1)
  expect(await accountStatusAt(name)).toMatchObject({ slots: 0, waiting: 0, sentWithinMinute: 1 })
}

describe.each(ASYNCHRONOUS)('a process that dies while $name has a job', (one) => {
  const { name, fake } = one

  test('resumes the job for a waiting request', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const answer = ask(key, bodyFor(name))
    await underWay(fake)
    await abortAllDurableObjects()
    finish(fake)
    const response = await answer
    expect([response.status, response.headers.get('x-upstream')]).toEqual([200, name])
    await expectOnce(one)
  })

  test('resumes the job for a retry', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const body = bodyFor(name)
    expect((await ask(key, body, { prefer: 'wait=0' })).status).toBe(202)
    await underWay(fake)
    await abortAllDurableObjects()
    finish(fake)
    expect((await ask(key, body)).status).toBe(200)
    await expectOnce(one)
  })

  test('resumes the job when its alarm rings, three times too', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const id = await job(key, bodyFor(name))
    for (const _ of [1, 2, 3]) {
      const { length } = fake.sent
      await vi.waitUntil(() => fake.sent.length >= Math.max(2, length + 1))
      await abortAllDurableObjects()
      await ringGenerations()
    }
    expect(await accountStatusAt(name)).toMatchObject({ slots: 1, sentWithinMinute: 1 })
    finish(fake)
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded', cost_usd: PRICE, images: [{}] })
    await expectOnce(one)
  })

  test('after it stored the picture, without a record of it, keeps one of the two', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const put = env.IMAGES.put.bind(env.IMAGES)
    const never = Promise.withResolvers<never>()
    const putting = vi.spyOn(env.IMAGES, 'put').mockImplementationOnce(async (...args: Parameters<typeof put>) => {
      await put(...args)
      return await never.promise
    })
    const id = await job(key, bodyFor(name))
    await underWay(fake)
    finish(fake)
    await vi.waitUntil(async () => putting.mock.calls.length === 1 && (await stored()) === 1)
    await abortAllDurableObjects()
    const removed = vi.spyOn(env.IMAGES, 'delete')
    await ringGenerations()
    expect(await ended(key, id)).toMatchObject({ status: 'succeeded' })
    await vi.waitUntil(() => removed.mock.calls.length > 0)
    await expectOnce(one)
    expect(await jobState(key, id)).toMatchObject({ images: [{}] })
  })
})
