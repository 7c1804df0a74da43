import { abortAllDurableObjects } from 'cloudflare:test'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations } from '../support/alarms'
import { finish, jobsUnderWay, modelAt, oneAtATime, PRICE, accountStatusAt } from '../support/asynchronous'
import { audit, micro, used } from '../support/accounting'
import { FakeBlackForestLabs } from '../support/fake-black-forest-labs'
import { FakeMidjourneyProxy } from '../support/fake-midjourney-proxy'
import type { FakeProvider } from '../support/fake-provider'
import { FakeReplicate } from '../support/fake-replicate'
import { FakeStability } from '../support/fake-stability'
import { ended, job } from '../support/jobs'
import { playingParts } from '../support/playing'
import { stored, team } from '../support/teams'

const wide = new FakeBlackForestLabs()
const narrow = new FakeReplicate()
const grids = new FakeMidjourneyProxy()
const atOnce = new FakeStability()
playingParts([
  { name: 'wide', fake: wide, setting: oneAtATime('wide', wide.model, { max_concurrency: undefined }) },
  { name: 'narrow', fake: narrow, setting: oneAtATime('narrow', narrow.model, { max_concurrency: 2 }) },
  { name: 'grids', fake: grids, setting: oneAtATime('grids', grids.model) },
  { name: 'at-once', fake: atOnce, setting: oneAtATime('at-once', atOnce.model, { max_concurrency: 3 }) },
])

/** Submits a job of so many pictures to an upstream that finishes its jobs on demand. */
async function startJobAt(
  name: string,
  n: number,
  prompt = 'A cat @delay=600000',
): Promise<{ key: string; id: string }> {
  const { key } = await team('acme', { budget_usd: 1 })
  return { key, id: await job(key, { model: modelAt(name), prompt, n, size: undefined, quality: undefined }) }
}

const waitUntil = (isSo: () => boolean | Promise<boolean>): Promise<boolean> => vi.waitUntil(isSo)

async function crash(): Promise<void> {
  await abortAllDurableObjects()
  await ringGenerations()
}

/** Expects all pictures, and the price of so many calls. */
async function expectAll({ key, id }: { key: string; id: string }, n: number, calls = n): Promise<void> {
  const { status, images, cost_usd: cost } = await ended(key, id)
  expect([status, images.length, micro(cost)]).toEqual(['succeeded', n, calls * micro(PRICE)])
  expect(new Set(images.map(({ url }) => url)).size).toBe(n)
  expect(await used('acme')).toBe(calls * micro(PRICE))
  await waitUntil(async () => (await stored()) === n)
}

/** The largest number of jobs that an upstream had at once. */
function peakOf(fake: FakeProvider): () => number {
  let peak = 0
  const handle = fake.handle.bind(fake)
  vi.spyOn(fake, 'handle').mockImplementation(async (request) => {
    const response = await handle(request)
    peak = Math.max(peak, jobsUnderWay(fake).length)
    return response
  })
  return () => peak
}

/** Loses every answer of an upstream to a matching request. */
function swallow(
  fake: FakeProvider,
  isSwallowed: (request: Request) => boolean,
): { count: () => number; end: () => void } {
  let count = 0
  const handle = fake.handle.bind(fake)
  const spy = vi.spyOn(fake, 'handle').mockImplementation(async (request) => {
    const response = await handle(request)
    if (!isSwallowed(request)) return response
    count += 1
    return await new Promise<never>(() => {})
  })
  return { count: () => count, end: () => spy.mockRestore() }
}

describe('a process that dies with some of several pictures stored', () => {
  test('goes on with the jobs of the others', async () => {
    const order = await startJobAt('wide', 4)
    await waitUntil(() => jobsUnderWay(wide).length === 4)
    finish(wide, 2)
    await waitUntil(async () => (await stored()) === 2)
    await crash()
    finish(wide)
    await expectAll(order, 4)
    expect(wide.submits).toBe(4)
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', n: 4, attempts: 4 }])
  })

  test('stays within the limit of its account and requests the rest', async () => {
    const peak = peakOf(narrow)
    const order = await startJobAt('narrow', 5)
    await waitUntil(() => jobsUnderWay(narrow).length === 2)
    finish(narrow)
    await waitUntil(() => narrow.submits === 4)
    await crash()
    expect(await accountStatusAt('narrow')).toMatchObject({ slots: 2 })
    finish(narrow)
    await waitUntil(() => narrow.submits === 5)
    finish(narrow)
    await expectAll(order, 5)
    expect([narrow.submits, peak()]).toEqual([5, 2])
    expect(await accountStatusAt('narrow')).toMatchObject({ slots: 0, waiting: 0, sentWithinMinute: 5 })
  })

  test('repeats the requests in flight of an upstream without jobs', async () => {
    const { count, end } = swallow(atOnce, () => atOnce.submits > 1)
    const order = await startJobAt('at-once', 3, 'A cat')
    await waitUntil(async () => count() === 2 && (await stored()) === 1)
    end()
    await crash()
    await expectAll(order, 3, 5)
    expect(atOnce.submits).toBe(5)
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', attempts: 5 }])
    expect(await accountStatusAt('at-once')).toMatchObject({ slots: 0 })
  })

  test('twice makes no third attempt without jobs, and delivers the stored pictures', async () => {
    const { count } = swallow(atOnce, () => atOnce.submits > 1)
    const { key, id } = await startJobAt('at-once', 3, 'A cat')
    await waitUntil(async () => count() === 2 && (await stored()) === 1)
    await crash()
    await waitUntil(() => count() === 4)
    await crash()
    const { status, images, cost_usd: cost } = await ended(key, id)
    expect([status, images.length, cost, atOnce.submits]).toEqual(['succeeded', 1, 5 * PRICE, 5])
    expect(await used('acme')).toBe(5 * micro(PRICE))
    await waitUntil(async () => (await accountStatusAt('at-once')).slots === 0)
  })
})

test('repeated crashes early in a large request end with all pictures made, four at once', async () => {
  const peak = peakOf(wide)
  const order = await startJobAt('wide', 7)
  for (const _ of [1, 2, 3]) {
    await waitUntil(() => jobsUnderWay(wide).length === 4)
    const { length } = wide.sent
    await crash()
    await waitUntil(() => wide.sent.length > length + 3)
  }
  finish(wide)
  await waitUntil(() => wide.submits === 7)
  finish(wide)
  await expectAll(order, 7)
  expect([wide.submits, peak()]).toEqual([7, 4])
})

test("a process that is away for longer than a job's timeout still reads the outcome of the job", async () => {
  const order = await startJobAt('wide', 1)
  await waitUntil(() => wide.sent.length >= 2)
  await abortAllDurableObjects()
  const { length } = wide.sent
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 400_000 })
  await ringGenerations()
  await waitUntil(() => wide.sent.length > length + 1)
  finish(wide)
  await expectAll(order, 1)
  expect(wide.submits).toBe(1)
})

describe('a grid with three of its pictures requested', () => {
  const imagined = (): number => grids.sent.filter(({ path }) => path.endsWith('/imagine')).length
  const isChange = ({ url }: Request): boolean => url.endsWith('/change')

  test.each([1, 2, 3])('is one grid with three when its process dies at the request for picture %i', async (index) => {
    const { count, end } = swallow(grids, (request) => isChange(request) && grids.upscales.size === index)
    const order = await startJobAt('grids', 3)
    await waitUntil(() => grids.sent.length >= 2)
    finish(grids)
    await waitUntil(() => count() === 1)
    end()
    await crash()
    await expectAll(order, 3)
    expect([imagined(), grids.upscales.size, grids.submits]).toEqual([1, 3, 4])
    expect(await accountStatusAt('grids')).toMatchObject({ slots: 0, sentWithinMinute: 1 })
  })

  test.each([1, 2])('is one grid with three when its process dies with %i of them stored', async (count) => {
    let files = 0
    const { end } = swallow(grids, ({ url }) => url.includes('/files/') && ++files > count)
    const order = await startJobAt('grids', 3)
    await waitUntil(() => grids.sent.length >= 2)
    finish(grids)
    await waitUntil(async () => (await stored()) === count && files === count + 1)
    end()
    await crash()
    await expectAll(order, 3)
    expect([imagined(), grids.upscales.size, grids.submits, grids.served.size]).toEqual([1, 3, 4, 4])
  })
})
