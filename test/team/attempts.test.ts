import { abortAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { audit, generate, used } from '../support/accounting'
import { price, quoteOf } from '../support/billing-upstream'
import { FakeOpenai } from '../support/fake-openai'
import { knock } from '../support/gateway'
import { internet } from '../support/internet'
import { type TestTeam, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const BUDGET = { budget_usd: 10 }
const SECOND = new FakeOpenai({ apiKey: 'sk-second-secret' })

/** A team with the model `pair`, served by two upstreams; the first one answers as given. */
async function paired(first: () => Response): Promise<TestTeam> {
  // The account of the second upstream with a key that it accepts.
  vi.spyOn(Math, 'random').mockReturnValue(0)
  internet({ 'first.example.com': { handle: first }, 'second.example.com': SECOND })
  return await team('acme')
}

const outOfOrder = (): Response =>
  new Response('out of order', { status: 500, headers: { 'x-request-id': 'req_first' } })

describe('a run of several attempts is one entry', () => {
  test('with the upstream that served it', async () => {
    const { key } = await paired(outOfOrder)
    expect((await generate(key, 'A cat', { model: 'pair' })).status).toBe(200)
    const [entry, ...others] = await audit('acme')
    expect(entry).toMatchObject({ status: 'succeeded', attempts: 2, upstream: 'second', organization: 'org-upstream' })
    expect(entry?.upstream_request_id).not.toBe('req_first')
    expect(others).toEqual([])
  })

  test('with the cost of a lost first answer as an estimate', async () => {
    const { key } = await team('acme', BUDGET)
    const prompt = 'A cat @once=cut'
    expect((await generate(key, prompt)).status).toBe(200)
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', attempts: 2, upstream: 'openai' }])
    const [made, lost] = [196 * 30 + 4 * 5, quoteOf(prompt)]
    expect([upstream.calls.length, await used('acme')]).toEqual([2, made + lost])
    expect(await audit('acme')).toMatchObject([{ cost_usd: (made + lost) / 1e6, estimated_usd: lost / 1e6 }])
  })

  test('with the attempts of a dead process counted', async () => {
    const { key } = await team('acme', BUDGET)
    const answer = generate(key, 'A cat @delay=200')
    await vi.waitUntil(() => upstream.calls.length === 1)
    await abortAllDurableObjects()
    expect((await answer).status).toBe(200)
    expect(await audit('acme')).toMatchObject([{ status: 'succeeded', attempts: 2 }])
  })

  test('with the last upstream and its request when all failed', async () => {
    const { key } = await paired(outOfOrder)
    expect((await generate(key, 'A cat @fault=503', { model: 'pair' })).status).toBe(502)
    const [entry] = await audit('acme')
    expect(entry).toMatchObject({ status: 'failed', attempts: 3, upstream: 'second', error: 'upstream_failed' })
    expect(entry?.upstream_request_id).toMatch(/^req_[0-9a-f]{32}$/)
  })

  test('with the upstream paid for an image that could not be stored', async () => {
    const { key } = await team('acme', BUDGET)
    vi.spyOn(env.IMAGES, 'put').mockRejectedValue(new Error('put: internal error (10001)'))
    expect((await generate(key, 'A cat')).status).toBe(503)
    const [entry] = await audit('acme')
    expect(entry).toMatchObject({ status: 'failed', upstream: 'openai', organization: 'org-upstream' })
    expect([entry?.cost_usd, entry?.estimated_usd]).toEqual([price('A cat') / 1e6, 0])
    expect(entry?.upstream_request_id).toMatch(/^req_[0-9a-f]{32}$/)
  })

  test.each(['cut', 'bad-base64', 'not-an-image', 'empty', 'error-inside', '500', '429', 'moderation'])(
    'with the upstream and its request after @fault=%s',
    async (fault) => {
      const { key } = await team('acme', BUDGET)
      expect((await generate(key, `A cat @fault=${fault}`)).status).toBeGreaterThanOrEqual(400)
      const [entry] = await audit('acme')
      expect(entry).toMatchObject({ status: 'failed', upstream: 'openai', organization: 'org-upstream' })
      expect(entry?.upstream_request_id).toMatch(/^req_[0-9a-f]{32}$/)
    },
  )
})

test("the upstream's organisation and request id are in the audit alone", async () => {
  const { key } = await team('acme', BUDGET)
  const answers = [await generate(key, 'A cat'), await generate(key, 'A cat'), await generate(key, 'A @fault=500')]
  const [failed, made] = await audit('acme')
  expect(made).toMatchObject({ organization: 'org-upstream', upstream_request_id: expect.stringMatching(/^req_/) })
  const headers = { authorization: `Bearer ${key}` }
  answers.push(await knock('/v1/generations', { headers }), await knock('/v1/usage', { headers }))
  answers.push(await knock(`/v1/generations/${made?.id}`, { headers }))
  const texts = await Promise.all(
    answers.map(async (answer) => JSON.stringify([...answer.headers]) + (await answer.text())),
  )
  for (const secret of ['org-upstream', made?.upstream_request_id ?? '?', failed?.upstream_request_id ?? '?'])
    expect(texts.join('\n')).not.toContain(secret)
})
