import { describe, expect, test, vi } from 'vitest'
import { gated } from '../support/billing-upstream'
import { ownUsage } from '../support/accounting'
import { errorOf, openai, post } from '../support/gateway'
import { at } from '../support/orders'
import { settings } from '../support/settings'
import { SteppedUpstream } from '../support/stepped-upstream'
import { begin, collect, watch, words } from '../support/streams'
import { CAT, ask, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

settings({ HEARTBEAT_AFTER_SECONDS: 0.1 })
const { upstream } = upstreams()

const slow = (prompt: string, headers?: Record<string, string>): Promise<Response> =>
  post('/v1/images/generations', { ...CAT, prompt, response_format: null }, headers)

const SLOW_FAILURE = 'A cat @delay=400 @fault=500'

/** The first piece of an answer, and the rest. */
async function inPieces({ body }: Response): Promise<[string, () => Promise<string>]> {
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader()
  const { value = '' } = (await reader?.read()) ?? {}
  const rest = async (): Promise<string> => {
    let text = ''
    for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) text += read.value
    return text
  }
  return [value, rest]
}

describe('a slow answer', () => {
  test('begins with white space during the run and ends with its JSON', async () => {
    const gate = gated(upstream)
    const response = await slow('A cat')
    const [first, rest] = await inPieces(response)
    expect([response.status, response.headers.get('content-type'), first.trim()]).toEqual([200, 'application/json', ''])
    gate.open()
    const json: unknown = JSON.parse(await rest())
    expect(json).toMatchObject({ data: [{ b64_json: expect.stringMatching(/^iVBOR/), url: expect.any(String) }] })
  })

  test('is read by the SDK like any other', async () => {
    const { data } = await openai().images.generate({ model: 'gpt-image-2', prompt: 'Two cats @delay=400', n: 2 })
    expect(data?.map(({ b64_json }) => b64_json?.slice(0, 5))).toEqual(['iVBOR', 'iVBOR'])
  })

  test('has the headers known at its start', async () => {
    const gate = gated(upstream)
    const { key } = await team('acme', { requests_per_minute: 9 })
    const response = await ask(key, { size: '1080x1080' })
    gate.open()
    await response.text()
    const header = (name: string): unknown => response.headers.get(name)
    expect([header('x-generation-id'), header('x-request-id')]).toEqual([
      expect.stringMatching(/^gen_[0-9a-f]{64}$/),
      expect.stringMatching(/^req_/),
    ])
    expect(header('x-adjusted')).toContain('size=1080x1080>')
    expect(header('x-ratelimit-remaining-requests')).toBe('8')
    expect([header('content-length'), header('x-accel-buffering')]).toEqual([null, 'no'])
  })

  test('is a HIT for the next request', async () => {
    await (await slow('A cat @delay=400')).text()
    expect((await slow('A cat @delay=400')).headers.get('x-cache')).toBe('HIT')
  })

  test('counts as joined for a second request and costs once', async () => {
    const { key } = await team('acme')
    const answers = [ask(key, { prompt: 'A cat @delay=400' }), ask(key, { prompt: 'A cat @delay=400' })]
    await Promise.all(answers.map(async (answer) => (await answer).text()))
    const totals = await vi.waitFor(async () => {
      const { totals } = await ownUsage(key)
      expect(totals.joins).toBe(1)
      return totals
    })
    expect([totals.generations, totals.cost_usd]).toEqual([1, totals.saved_usd])
  })
})

describe('a run that fails after its answer began', () => {
  test('breaks the connection off, so that no client takes the body for an answer', async () => {
    const response = await slow(SLOW_FAILURE)
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow(Error)
  })

  test('is an error to the SDK', async () => {
    await expect(openai().images.generate({ model: 'gpt-image-2', prompt: SLOW_FAILURE })).rejects.toThrow(Error)
  })

  test('has its error given to the retry, without a call of the upstream', async () => {
    await (await slow(SLOW_FAILURE)).text().catch(() => {})
    const retry = await slow(SLOW_FAILURE)
    expect(await errorOf(retry)).toMatchObject({ status: 502, message: expect.stringContaining('failed to make') })
    expect(upstream.calls).toHaveLength(2)
  })

  test.each([['no-store'], ['no-cache']])(
    'has its error given to a retry of %s with an idempotency key',
    async (control) => {
      const headers = { 'cache-control': control, 'idempotency-key': 'k1' }
      await (await slow(SLOW_FAILURE, headers)).text().catch(() => {})
      expect((await slow(SLOW_FAILURE, headers)).status).toBe(502)
      expect(upstream.calls).toHaveLength(2)
    },
  )

  test('is made again a minute later', async () => {
    await (await slow(SLOW_FAILURE)).text().catch(() => {})
    at(Date.now() + 60_001)
    await (await slow(SLOW_FAILURE)).text().catch(() => {})
    expect(upstream.calls).toHaveLength(4)
  })

  test('is made again for a retry with no-cache', async () => {
    await (await slow(SLOW_FAILURE)).text().catch(() => {})
    await (await slow(SLOW_FAILURE, { 'cache-control': 'no-cache' })).text().catch(() => {})
    expect(upstream.calls).toHaveLength(4)
  })

  test('breaks off every request that waits for it', async () => {
    const answers = await Promise.all(Array.from({ length: 3 }, () => slow(SLOW_FAILURE)))
    const texts = answers.map((answer) => answer.text().catch(() => 'broken off'))
    expect(await Promise.all(texts)).toEqual(['broken off', 'broken off', 'broken off'])
    expect((await slow(SLOW_FAILURE)).status).toBe(502)
    expect(upstream.calls).toHaveLength(2)
  })
})

describe('a silent stream', () => {
  test('begins with a comment that no client sees', async () => {
    const gate = gated(upstream)
    const response = await post('/v1/images/generations', { ...CAT, response_format: null, stream: true })
    const [first, rest] = await inPieces(response)
    expect([response.headers.get('content-type'), first]).toEqual(['text/event-stream', ': still working\n\n'])
    gate.open()
    expect((await rest()).replaceAll(': still working\n\n', '')).toMatch(/^event: image_generation\.completed\ndata: /)
  })

  test('is read by the SDK like any other', async () => {
    const events = await collect(begin('edit', { prompt: 'A cat @delay=400', partial_images: 1 }))
    expect(words(events)).toBe('0 done')
  })

  test('repeats the comment, also between its previews', async () => {
    const gate = new SteppedUpstream(upstream, 1)
    const body = { ...CAT, response_format: null, stream: true, partial_images: 1 }
    const response = await post('/v1/images/generations', body)
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    while (!text.endsWith('}\n\n: still working\n\n: still working\n\n')) text += (await reader?.read())?.value ?? ''
    expect(text).toContain('event: image_generation.partial_image\n')
    gate.open()
    while (!text.includes('event: image_generation.completed\n')) text += (await reader?.read())?.value ?? ''
  })

  test('ends with the failure as an event of its dialect', async () => {
    const { ended } = watch(begin('generation', { prompt: 'A cat @delay=400 @fault=moderation' }))
    expect(await ended).toMatchObject({ code: 'moderation_blocked', type: 'image_generation_user_error' })
  })
})
