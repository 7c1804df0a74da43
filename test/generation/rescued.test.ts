import { abortAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { configOf } from '../../src/config'
import { candidateOfCall } from '../../src/generation/recovery'
import { accountIdOf } from '../../src/upstreams/accounts'
import { type Candidate, candidates } from '../../src/upstreams/candidates'
import { ringGenerations } from '../support/alarms'
import { finish, jobsUnderWay, modelAt, oneAtATime, PRICE } from '../support/asynchronous'
import { audit, micro, used } from '../support/accounting'
import { FakeBlackForestLabs } from '../support/fake-black-forest-labs'
import { ended, job } from '../support/jobs'
import { playingParts } from '../support/playing'
import { ask, stored, team } from '../support/teams'
import { trouble } from '../support/trouble'
import { environment } from '../support/settings'

const fake = new FakeBlackForestLabs()
const [revoked, good] = [new FakeBlackForestLabs(), new FakeBlackForestLabs()]
playingParts([
  { name: 'wide', fake, setting: oneAtATime('wide', fake.model, { max_concurrency: 4 }) },
  { name: 'revoked', fake: revoked, setting: oneAtATime('pair', fake.model) },
  { name: 'good', fake: good, setting: oneAtATime('pair', fake.model, { priority: 1 }) },
])

const HELD_UP = 'A cat @delay=600000'

const bodyFor = (n: number, prompt = 'A cat'): Record<string, unknown> => ({
  model: modelAt('wide'),
  prompt,
  n,
  size: undefined,
  quality: undefined,
})

const waitUntil = (isSo: () => boolean | Promise<boolean>): Promise<boolean> => vi.waitUntil(isSo)

/** Makes the next `times` pictures of an upstream fail so. */
function spoil(times: number, spoilt: () => Response): void {
  const handle = fake.handle.bind(fake)
  let left = times
  vi.spyOn(fake, 'handle').mockImplementation(async (request) => {
    const isPicture = new URL(request.url).pathname.startsWith('/files/')
    return isPicture && left-- > 0 ? spoilt() : await handle(request)
  })
}

/** The beginning of a picture, before the connection is lost. */
const brokenOff = (): Response => {
  const [png, ...rest] = [Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a), new Uint8Array(5000)]
  const pull = (controller: ReadableStreamDefaultController): void => {
    const next = rest.pop()
    if (next) controller.enqueue(next)
    else controller.error(new Error('connection lost'))
  }
  return new Response(new ReadableStream({ start: (controller) => controller.enqueue(png), pull }), {
    headers: { 'content-type': 'image/png' },
  })
}

describe('a picture that is made but does not arrive', () => {
  test.each([
    ['breaks off', brokenOff],
    ['is no picture', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
  ])('is fetched again from the paid job when its download %s', async (_, spoilt) => {
    const { key } = await team('acme', { budget_usd: 1 })
    spoil(1, spoilt)
    expect((await ask(key, bodyFor(1))).status).toBe(200)
    expect(fake.submits).toBe(1)
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', attempts: 1, cost_usd: PRICE }])
  })
})

test('a picture that cannot be stored leaves the others of its answer in place', async () => {
  const { key } = await team('acme', { budget_usd: 1 })
  const put = env.IMAGES.put.bind(env.IMAGES)
  vi.spyOn(env.IMAGES, 'put').mockImplementation(async (...args: Parameters<typeof put>) => {
    if (/-2\.\w+$/.test(args[0])) throw new Error('put: internal error (10001)')
    return await put(...args)
  })
  const response = await ask(key, bodyFor(3))
  expect([response.status, (await response.json<{ data: unknown[] }>()).data.length]).toEqual([200, 2])
  expect(await used('acme')).toBe(3 * micro(PRICE))
  await waitUntil(async () => (await stored()) === 2)
})

describe('a run after the death of its process', () => {
  test('goes on with a paid call although its team is unreachable', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const id = await job(key, bodyFor(2, HELD_UP))
    await waitUntil(() => jobsUnderWay(fake).length === 2)
    await abortAllDurableObjects()
    const told = trouble('reserve')
    await ringGenerations()
    await waitUntil(() => fake.sent.length > 4)
    finish(fake)
    const { status, images } = await ended(key, id)
    expect([status, images.length, fake.submits]).toEqual(['succeeded', 2, 2])
    expect(told.failures).toBeGreaterThan(0)
    await waitUntil(async () => (await used('acme')) === 2 * micro(PRICE))
  })
})

test('has the calls of the dead process in its audit', async () => {
  const { key } = await team('acme', { budget_usd: 1 })
  vi.spyOn(revoked, 'handle').mockResolvedValueOnce(Response.json({ detail: 'Not authenticated' }, { status: 401 }))
  const id = await job(key, { ...bodyFor(1, HELD_UP), model: modelAt('pair') })
  await waitUntil(() => good.sent.length >= 2)
  await abortAllDurableObjects()
  await ringGenerations()
  finish(good)
  await ended(key, id)
  expect(await audit('acme')).toMatchObject([{ attempts: 2, route: 'revoked/0 misconfigured, good/0 served' }])
})

test('keeps a call with its credential after the settings reorder the credentials', () => {
  const servers = (keys: string): Candidate[] =>
    candidates(configOf({ ...environment(), FAKE_KEY: keys }), modelAt('wide'), Date.now())
  const [before] = servers(fake.key)
  const call = { accountId: before ? accountIdOf(before.upstream) : '', model: fake.model }
  const [, moved] = servers(`another-key,${fake.key}`)
  expect(candidateOfCall(call, servers(`another-key,${fake.key}`))).toEqual(moved)
  expect([moved?.upstream.account, moved?.upstream.credential]).toEqual([1, fake.key])
  expect(candidateOfCall(call, servers('another-key'))).toBeUndefined()
  expect(candidateOfCall({ ...call, model: 'another-model' }, servers(fake.key))).toBeUndefined()
})
