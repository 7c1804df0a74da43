import { describe, expect, test, vi } from 'vitest'
import { finish, modelAt, oneAtATime, PRICE } from '../support/asynchronous'
import { audit, micro, used } from '../support/accounting'
import { FakeRelay, RELAY_SHAPES } from '../support/fake-relay'
import { errorOf, openai } from '../support/gateway'
import { cancel, ended, job, jobState } from '../support/jobs'
import { pictureFile } from '../support/pictures'
import { playingParts } from '../support/playing'
import { accountOf, asking, runInNoTime, type Told } from '../support/provider-run'
import { ask, team } from '../support/teams'

const relays = RELAY_SHAPES.map((name) => ({ name, fake: new FakeRelay(name) }))
const [first, second, third] = [new FakeRelay('apimart'), new FakeRelay('apimart'), new FakeRelay('apimart')]
playingParts([
  ...relays.map((each) => ({ ...each, setting: oneAtATime(each.name, 'gpt-image-2', { max_concurrency: 4 }) })),
  ...[first, second, third].map((fake, at) => ({
    name: `relay-${at}`,
    fake,
    setting: oneAtATime('three', 'gpt-image-2', { priority: at }),
  })),
])

const posts = ({ sent }: FakeRelay): string[] => sent.filter(({ method }) => method === 'POST').map(({ path }) => path)
const looks = ({ sent }: FakeRelay): string[] => sent.filter(({ method }) => method === 'GET').map(({ path }) => path)
const bodyFor = (name: string, prompt = 'A cat', n = 1): Record<string, unknown> => ({
  model: modelAt(name),
  prompt,
  n,
  size: undefined,
  quality: undefined,
})
const eventsOf = (prompt: string, name = 'apimart'): Promise<{ told: Told[]; tookMs: number }> =>
  runInNoTime(asking(prompt, { partials: 0 }), { upstream: accountOf({ provider: name }) })
const [apimart] = relays.map(({ fake }) => fake)
if (!apimart) throw new Error('There is no relay.')

describe.each(relays)('a task of $name', ({ name, fake }) => {
  test('is bought once for an SDK with its own retries, and gives its pictures', async () => {
    const client = openai({ maxRetries: 2 })
    const { data } = await client.images.generate({ model: modelAt(name), prompt: 'A cat', n: 2 })
    expect(data).toHaveLength(2)
    expect(posts(fake)).toEqual(['/v1/images/generations'])
    expect(fake.served.size).toBeGreaterThanOrEqual(2)
  })

  test('is bought once for an edit', async () => {
    const image = await pictureFile('a')
    const { data } = await openai({ maxRetries: 2 }).images.edit({ model: modelAt(name), prompt: 'A cat', image })
    expect([data?.length, posts(fake)]).toEqual([1, ['/v1/images/edits']])
  })

  test('that fails is free, and is bought once more at most', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const response = await ask(key, bodyFor(name, 'A cat @fault=error'))
    expect(response.status).toBe(502)
    expect([await used('acme'), posts(fake).length]).toEqual([0, 2])
  })

  test('that fails once is made by the next one, and one is paid', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    expect((await ask(key, bodyFor(name, 'A cat @once=error'))).status).toBe(200)
    expect([await used('acme'), posts(fake).length]).toEqual([micro(PRICE), 2])
  })
})

describe('a task', () => {
  test('is bought at one of three relays', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const response = await ask(key, bodyFor('three'))
    expect([response.status, response.headers.get('x-upstream')]).toEqual([200, 'relay-0'])
    expect([first, second, third].map((fake) => fake.submits)).toEqual([1, 0, 0])
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', attempts: 1, cost_usd: PRICE }])
  })

  test.each([
    ['moderation', 400, 'moderation_blocked'],
    ['invalid-run', 400, 'invalid_value'],
  ])('refused for %s says so, is free, and leads to no other account', async (fault, status, code) => {
    const { key } = await team('acme', { budget_usd: 1 })
    const response = await ask(key, bodyFor('three', `A cat @fault=${fault}`))
    expect(await errorOf(response)).toMatchObject({ status, code })
    expect([first, second, third].map((fake) => fake.submits)).toEqual([1, 0, 0])
    expect(await used('acme')).toBe(0)
  })

  test.each(['cancelled', 'expired', 'error', 'refused-at-once'])(
    'that ends as %s leads to the next account',
    async (end) => {
      const { key } = await team('acme', { budget_usd: 1 })
      vi.spyOn(second, 'handle').mockImplementation((request) => third.handle(request))
      await ask(key, bodyFor('three', `A cat @fault=${end}`))
      expect([first.submits, third.submits]).toEqual([1, 2])
      expect(await used('acme')).toBe(0)
    },
  )

  test('of a model with one picture for each task leaves the others to further tasks', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    apimart.most = 1
    const response = await ask(key, bodyFor('apimart', 'Cats', 3))
    expect((await response.json<{ data: unknown[] }>()).data).toHaveLength(3)
    const asked = apimart.sent.flatMap(({ method, body }) => (method === 'POST' ? [body] : []))
    expect(asked).toMatchObject([{ n: 3 }, { prompt: 'Cats' }, { prompt: 'Cats' }])
    expect(asked[1]).not.toHaveProperty('n')
    expect(await used('acme')).toBe(3 * micro(PRICE))
  })

  test.each(['word', 'wait'])('with the oddity %s is waited for', async (fault) => {
    const { told, tookMs } = await eventsOf(`A cat @fault=${fault}`)
    expect(told.filter((event) => 'picture' in event)).toHaveLength(1)
    expect([apimart.submits, looks(apimart).length]).toEqual([1, 3])
    // The first wait is that of the submission.
    if (fault === 'wait') expect(tookMs).toBeGreaterThanOrEqual(60_000)
  })

  test('that is done without a picture is lost', async () => {
    const { told } = await eventsOf('A cat @fault=empty')
    expect([told.at(-1), apimart.submits]).toMatchObject([{ kind: 'lost' }, 1])
  })

  test('without a result is booked, and not bought again for an SDK with its own retries', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const client = openai({ apiKey: key, maxRetries: 2 })
    const request = { model: modelAt('apimart'), prompt: 'A cat @fault=empty' }
    await expect(client.images.generate(request)).rejects.toMatchObject({ status: 502 })
    expect([await used('acme'), posts(apimart).length]).toEqual([micro(PRICE), 1])
  })

  test('with an address at another host is read at its own host only', async () => {
    const [fake] = relays.filter(({ name }) => name === 'sub2api')
    const asked = vi.spyOn(globalThis, 'fetch')
    const { told } = await eventsOf('A cat @fault=elsewhere', 'sub2api')
    expect(told.filter((event) => 'picture' in event)).toHaveLength(1)
    const hosts = asked.mock.calls.map(([input]) => new URL(input instanceof Request ? input.url : input).hostname)
    expect([[...new Set(hosts)], fake?.fake.submits]).toEqual([['sub2api.example.com'], 1])
  })

  test("shows a job's client its progress", async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const id = await job(key, bodyFor('apimart', 'A cat @delay=600000'))
    await vi.waitUntil(async () => (await jobState(key, id)).progress?.percent === 45)
    finish(apimart)
    expect((await ended(key, id)).status).toBe('succeeded')
  })

  test('of a cancelled job is bought once', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    const id = await job(key, bodyFor('apimart', 'A cat @delay=600000'))
    await vi.waitUntil(() => looks(apimart).length > 0)
    await cancel(key, id)
    expect((await ended(key, id)).status).toBe('cancelled')
    expect(posts(apimart)).toHaveLength(1)
  })
})
