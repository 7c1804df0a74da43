import { abortAllDurableObjects } from 'cloudflare:test'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { audit } from '../support/accounting'
import { ringGenerations } from '../support/alarms'
import { holdTeam } from '../support/held-team'
import { internet } from '../support/internet'
import { jobState } from '../support/jobs'
import { at, NOON } from '../support/orders'
import { ask, team, type TestTeam, visit } from '../support/teams'
import { atRest } from '../support/objects'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

interface Data {
  data: { url: string }[]
}

/** Asks for an image, and holds its settlement. Resolves with whether the answer came while another image was made. */
async function answersFirst(
  { key }: TestTeam,
  body: Record<string, unknown> = {},
): Promise<{ isFirst: boolean; answer: Promise<Response>; release: () => void }> {
  const other = await team('other')
  const { asked, end, release } = holdTeam('settle')
  let isFirst = false
  const answer = ask(key, body).finally(() => (isFirst = true))
  await vi.waitUntil(() => asked() === 1)
  end()
  // An answer on its way arrives meanwhile.
  for (const prompt of ['A dog', 'A bird']) await (await ask(other.key, { prompt })).text()
  return { isFirst, answer, release }
}

describe('the answer to a complete run comes', () => {
  test('before its settlement for a team without limits', async () => {
    const acme = await team('acme')
    const { isFirst, answer, release } = await answersFirst(acme)
    expect([isFirst, (await answer).status]).toEqual([true, 200])
    expect(await audit('acme')).toMatchObject([{ status: 'running' }])
    release()
    await vi.waitUntil(async () => (await audit('acme'))[0]?.status === 'succeeded')
  })

  test.each([{ concurrency: 5 }, { budget_usd: 1 }])('before it with room left within %o', async (limits) => {
    const { isFirst, release } = await answersFirst(await team('acme', limits))
    release()
    expect(isFirst).toBe(true)
  })

  test.each([{ concurrency: 2 }, { budget_usd: 0.01 }])('after it with half of %o in use', async (limits) => {
    const acme = await team('acme', limits)
    const { isFirst, answer, release } = await answersFirst(acme)
    expect(isFirst).toBe(false)
    release()
    expect((await answer).status).toBe(200)
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded' }])
  })
})

test('a failure comes after its settlement, which gives images back', async () => {
  const acme = await team('acme', { images_per_day: 1 })
  const { isFirst, answer, release } = await answersFirst(acme, { prompt: 'A cat @fault=400' })
  expect(isFirst).toBe(false)
  release()
  expect((await answer).status).toBe(400)
  expect((await ask(acme.key)).status).toBe(200)
})

describe('a settlement after the answer', () => {
  afterEach(() => vi.restoreAllMocks())

  test('is made once by the next process', async () => {
    const acme = await team('acme')
    const { answer, release } = await answersFirst(acme, { prompt: 'A cat of a dead process' })
    const cost = Number((await answer).headers.get('x-cost-usd'))
    await abortAllDurableObjects()
    vi.restoreAllMocks()
    internet({ 'api.openai.com': upstream })
    await ringGenerations()
    await vi.waitUntil(async () => (await audit('acme'))[0]?.status === 'succeeded')
    release()
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', cost_usd: cost }])
  })

  test('has the end of the run, however late it is', async () => {
    at(NOON)
    const acme = await team('acme')
    const { answer, release } = await answersFirst(acme)
    const id = (await answer).headers.get('x-generation-id') ?? ''
    at(NOON + 60_000)
    release()
    await atRest()
    expect((await jobState(acme.key, id)).ended_at).toMatch(/T12:00:0/)
  })

  test('is waited for by the deletion of its generation', async () => {
    const acme = await team('acme')
    const { answer, release } = await answersFirst(acme)
    const id = (await answer).headers.get('x-generation-id') ?? ''
    const deleted = visit(acme.key, `/v1/generations/${id}`, 'DELETE')
    // The deletion finds the settlement under way.
    await ask(acme.key, { prompt: 'A bird' })
    release()
    expect((await deleted).status).toBe(200)
  })

  test('is waited for by the deletion of its image', async () => {
    const acme = await team('acme')
    const { answer, release } = await answersFirst(acme)
    const { data } = await (await answer).json<Data>()
    const deleted = visit(acme.key, new URL(data[0]?.url ?? '').pathname, 'DELETE')
    // The deletion finds the settlement under way.
    await ask(acme.key, { prompt: 'A bird' })
    release()
    expect((await deleted).status).toBe(200)
  })
})
