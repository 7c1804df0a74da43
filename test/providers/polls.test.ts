import { describe, expect, test, vi } from 'vitest'
import { stillClock } from '../support/accounts'
import { type Asynchronous, ASYNCHRONOUS, modelAt, oneAtATime, PRICE, accountStatusAt } from '../support/asynchronous'
import { micro, used } from '../support/accounting'
import type { FakeProvider } from '../support/fake-provider'
import { post } from '../support/gateway'
import { playingParts } from '../support/playing'
import { ask as askTeam, team } from '../support/teams'
import { accountOf, asking, runInNoTime } from '../support/provider-run'

playingParts(ASYNCHRONOUS.map(({ name, fake, theirs }) => ({ name, fake, setting: oneAtATime(name, theirs) })))

const SAID = 'words of an upstream'
const down = (): Response => new Response(SAID, { status: 502 })
const unauthorized = (): Response => Response.json({ detail: SAID }, { status: 401 })

/** Replaces the answers to polls of a job, as long as there are such answers; counts them. */
function instead(fake: FakeProvider, answer: (looks: number) => Response | undefined): () => number {
  const handle = fake.handle.bind(fake)
  let looks = 0
  vi.spyOn(fake, 'handle').mockImplementation(async (request) => {
    const isLook = fake.submits > 0 && !request.url.includes('/files/')
    return (isLook ? answer(++looks) : undefined) ?? (await handle(request))
  })
  return () => looks
}

/** Makes an unknown job appear after so many ms. */
function lagging(fake: FakeProvider, milliseconds: number): void {
  const startMs = Date.now()
  instead(fake, () => {
    if (Date.now() >= startMs + milliseconds) for (const { order } of fake.jobs.values()) order.fault = undefined
    return undefined
  })
}

/** The events of a request, and its duration by its own clock, in ms. */
const toldInNoTime = ({ name, theirs }: Asynchronous, prompt = 'A cat'): ReturnType<typeof runInNoTime> =>
  runInNoTime(asking(prompt, { model: theirs, partials: 0 }), { upstream: accountOf({ provider: name }) })

describe.each(ASYNCHRONOUS)('a job of $name', (one) => {
  const { fake, begun } = one

  test('that cannot be polled for a minute and a half is not paid again', async () => {
    const startMs = Date.now()
    instead(fake, () => (Date.now() < startMs + 90_000 ? down() : undefined))
    const { told } = await toldInNoTime(one)
    expect(told.filter((event) => 'picture' in event)).toHaveLength(1)
    expect(fake.submits).toBe(begun)
  })

  test('that cannot be polled for two minutes is given up, after ever rarer polls', async () => {
    const looks = instead(fake, down)
    const { told, tookMs } = await toldInNoTime(one)
    expect([told.at(-1), Math.floor(tookMs / 10_000)]).toMatchObject([{ kind: 'lost' }, 12])
    expect(looks()).toBeLessThan(40)
  })

  test('that is unknown at first is not paid again', async () => {
    lagging(fake, 5000)
    const { told } = await toldInNoTime(one, 'A cat @fault=lost-job')
    expect(told.filter((event) => 'picture' in event)).toHaveLength(1)
    expect(fake.submits).toBe(begun)
  })

  test('that is unknown for ten seconds is lost', async () => {
    const { told, tookMs } = await toldInNoTime(one, 'A cat @fault=lost-job')
    expect([told.at(-1), fake.submits]).toMatchObject([{ kind: 'lost' }, 1])
    expect([tookMs >= 10_000, tookMs < 20_000]).toEqual([true, true])
  })

  test('with its key revoked fails at once', async () => {
    instead(fake, unauthorized)
    const { told, tookMs } = await toldInNoTime(one)
    expect(told.at(-1)).toMatchObject({ kind: 'misconfigured', facts: { status: 401, scope: undefined } })
    expect(tookMs).toBeLessThan(5000)
  })

  test('polled too often is left alone for as long as its upstream asks', async () => {
    const limited = (): Response => new Response(SAID, { status: 429, headers: { 'retry-after': '30' } })
    const looks = instead(fake, (count) => (count <= 2 ? limited() : undefined))
    const { told, tookMs } = await toldInNoTime(one)
    expect(told.filter((event) => 'picture' in event)).toHaveLength(1)
    expect([tookMs >= 60_000, looks() < 10]).toEqual([true, true])
  })
})

describe('a caller with a picture made by a job', () => {
  const [one] = ASYNCHRONOUS.filter(({ name }) => name === 'fal')
  if (!one) throw new Error('There is no fal.')
  const { name, fake } = one
  const ask = (prompt: string): Promise<Response> => post('/v1/images/generations', { model: modelAt(name), prompt })

  test('gets it, paid once, though the job is unknown at first', async () => {
    lagging(fake, 500)
    expect((await ask('A cat @fault=lost-job')).status).toBe(200)
    expect(fake.submits).toBe(1)
  })

  test('gets it, paid once, though the host of pictures lacks it at first', async () => {
    const handle = fake.handle.bind(fake)
    let asked = 0
    vi.spyOn(fake, 'handle').mockImplementation(async (request) => {
      const isEarly = request.url.includes('/files/') && ++asked === 1
      return isEarly ? new Response(SAID, { status: 404 }) : await handle(request)
    })
    expect((await ask('A cat')).status).toBe(200)
    expect([fake.submits, asked]).toEqual([1, 2])
  })

  test.each([
    ['is never known', () => undefined, 4000],
    ['cannot be polled', down, 50_000],
  ])("gets a failure without the upstream's words when the job %s", async (_, answer, afterMs) => {
    const logged = vi.spyOn(console, 'log')
    const jump = stillClock()
    instead(fake, () => {
      jump(afterMs)
      return answer()
    })
    const response = await ask('A cat @fault=lost-job')
    expect(response.status).toBe(502)
    expect((await response.text()) + JSON.stringify(logged.mock.calls)).not.toContain(SAID)
  })

  test('has the account disabled when its key is revoked meanwhile, and begins nothing there again', async () => {
    instead(fake, unauthorized)
    expect((await ask('A cat')).status).toBe(503)
    expect(fake.submits).toBe(1)
    expect(await accountStatusAt(name)).toMatchObject({ health: { disabled: { status: 401 } } })
  })

  test('has its job booked when its key is revoked meanwhile', async () => {
    const { key } = await team('acme', { budget_usd: 1 })
    instead(fake, unauthorized)
    expect((await askTeam(key, { model: modelAt(name), size: undefined, quality: undefined })).status).toBe(503)
    expect(await used('acme')).toBe(micro(PRICE))
  })
})
