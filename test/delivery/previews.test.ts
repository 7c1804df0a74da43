import { abortAllDurableObjects, evictAllDurableObjects } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { ringGenerations } from '../support/alarms'
import { audit, micro, used } from '../support/accounting'
import { ORIGIN, knock, openai } from '../support/gateway'
import { internet } from '../support/internet'
import { at } from '../support/orders'
import { SteppedUpstream } from '../support/stepped-upstream'
import { begin, collect, outputTokens, type StreamEvent, watch, words } from '../support/streams'
import { stored, team, visit } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

const keysUnder = async (prefix: string): Promise<string[]> =>
  (await env.IMAGES.list({ prefix })).objects.map(({ key }) => key)

/** Requests a picture of a cat with three previews. */
const stream = (prompt = 'A cat', n = 1): Promise<StreamEvent[]> =>
  collect(begin('generation', { prompt, n, partial_images: 3 }))

const MINUTE = 60_001

describe('previews', () => {
  test('have objects of their own, removed a minute after the run', async () => {
    await stream('A cat', 2)
    expect([(await keysUnder('partials/')).length, await stored()]).toEqual([6, 2])
    await ringGenerations()
    expect(await keysUnder('partials/')).toHaveLength(6)
    at(Date.now() + MINUTE)
    await ringGenerations()
    expect([await keysUnder('partials/'), await stored()]).toEqual([[], 2])
  })

  test.each(['error-inside', 'cut'])('of a failed run are removed as well (@fault=%s)', async (fault) => {
    await stream(`A cat @fault=${fault}`).catch(() => [])
    expect(await keysUnder('partials/')).not.toEqual([])
    at(Date.now() + MINUTE)
    await ringGenerations()
    expect([await keysUnder('partials/'), await stored()]).toEqual([[], 0])
  })

  test('are not stored when no request wants them', async () => {
    const unasked = async (request: Request): Promise<Response> => {
      const body = JSON.stringify({ ...(await request.json<object>()), stream: true, partial_images: 3 })
      return await upstream.handle(new Request(request, { method: 'POST', body }))
    }
    internet({ 'api.openai.com': { handle: unasked } })
    expect(words(await collect(begin('generation', { prompt: 'A cat', partial_images: 1 })))).toBe('0 done')
    expect(words(await collect(begin('generation', { prompt: 'A dog' })))).toBe('done')
    expect([(await keysUnder('partials/')).length, await stored()]).toEqual([1, 2])
  })

  test('are removed although their object has slept', async () => {
    await stream()
    await evictAllDurableObjects()
    at(Date.now() + MINUTE)
    await ringGenerations()
    expect(await keysUnder('partials/')).toEqual([])
  })

  test('are removed once R2 deletes again', async () => {
    await stream()
    const remove = vi.spyOn(env.IMAGES, 'delete').mockRejectedValue(new Error('delete: internal error (10001)'))
    at(Date.now() + MINUTE)
    await ringGenerations()
    expect(await keysUnder('partials/')).toHaveLength(3)
    remove.mockRestore()
    at(Date.now() + MINUTE)
    await ringGenerations()
    expect(await keysUnder('partials/')).toEqual([])
  })

  test('leave an empty object behind after the cache has dropped the picture', async () => {
    await stream()
    at(Date.now() + 86_400_001)
    await ringGenerations()
    expect([await keysUnder('partials/'), await ringGenerations()]).toEqual([[], 0])
  })

  test('are in no history and behind no link', async () => {
    const { key } = await team('acme')
    const client = openai({ apiKey: key })
    await collect(begin('generation', { prompt: 'A cat', partial_images: 3 }, { client }))
    expect(await (await visit(key, '/v1/generations')).text()).not.toContain('partials/')
    const [partial = ''] = await keysUnder('partials/')
    expect(partial).not.toBe('')
    for (const path of [partial, partial.replace('partials/', 'images/')])
      expect((await knock(`${ORIGIN}/${path}?exp=9999999999&sig=x`)).status).toBeGreaterThanOrEqual(400)
  })
})

describe('the price of previews', () => {
  // A picture has 196 tokens and a preview 100, at $30 a million. The prompt has 2, at $5 (protocols §1.8).
  test('is held by the quote and settled by the reported usage', async () => {
    const { key } = await team('acme', { budget_usd: 10 })
    const gate = new SteppedUpstream(upstream, 1)
    const wanted = { prompt: 'A cat', n: 2, partial_images: 3 }
    const { events, ended } = watch(begin('generation', wanted, { client: openai({ apiKey: key }) }))
    await vi.waitUntil(() => events.length === 1)
    expect(await used('acme')).toBe(2 * (196 + 300) * 30 + 5 * 5)
    gate.open()
    expect([await ended, outputTokens(events)]).toEqual([undefined, 2 * (196 + 300)])
    const [entry] = await audit('acme')
    expect([entry?.output_tokens, micro(entry?.cost_usd)]).toEqual([992, 992 * 30 + 2 * 2 * 5])
    expect(await used('acme')).toBe(992 * 30 + 2 * 2 * 5)
  })

  test('is not paid by a joined request or a hit', async () => {
    const { key } = await team('acme', { budget_usd: 10 })
    const client = openai({ apiKey: key })
    await collect(begin('generation', { prompt: 'A cat' }, { client }))
    const before = await used('acme')
    await collect(begin('generation', { prompt: 'A cat', partial_images: 3 }, { client }))
    expect(await used('acme')).toBe(before)
  })
})

describe('a process that dies in the middle of a stream', () => {
  test('is followed by another, and the stream goes on to its end', async () => {
    const gate = new SteppedUpstream(upstream, 2)
    const { events, ended } = watch(begin('generation', { prompt: 'A cat', partial_images: 3 }))
    await vi.waitUntil(() => events.length === 2)
    await abortAllDurableObjects()
    await vi.waitUntil(() => upstream.calls.length === 2)
    gate.open()
    expect([await ended, words(events)]).toEqual([undefined, '0 1 0 done'])
    expect(words(await stream())).toBe('done')
    expect(upstream.calls).toHaveLength(2)
  })

  test('leaves previews that are removed with those of its successor', async () => {
    const gate = new SteppedUpstream(upstream, 2)
    const { events, ended } = watch(begin('generation', { prompt: 'A cat', partial_images: 2 }))
    await vi.waitUntil(() => events.length === 2)
    await abortAllDurableObjects()
    await vi.waitUntil(() => upstream.calls.length === 2)
    gate.open()
    await ended
    expect(await keysUnder('partials/')).toHaveLength(4)
    at(Date.now() + MINUTE)
    await ringGenerations()
    expect(await keysUnder('partials/')).toEqual([])
  })

  test('twice ends the stream with an error and removes the previews', async () => {
    const gate = new SteppedUpstream(upstream, 1)
    const { events, ended } = watch(begin('generation', { prompt: 'A cat', partial_images: 2 }))
    await vi.waitUntil(() => events.length === 1)
    await abortAllDurableObjects()
    await vi.waitUntil(() => upstream.calls.length === 2)
    await abortAllDurableObjects()
    expect(await ended).toMatchObject({ message: expect.any(String), type: expect.any(String) })
    gate.open()
    await ringGenerations()
    at(Date.now() + MINUTE)
    await ringGenerations()
    expect(await keysUnder('partials/')).toEqual([])
  })
})
