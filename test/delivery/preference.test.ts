import { describe, expect, test, vi } from 'vitest'
import { preferenceOf } from '../../src/delivery/preference'
import { gated } from '../support/billing-upstream'
import { errorOf, openai, post } from '../support/gateway'
import { ended } from '../support/jobs'
import { settings } from '../support/settings'
import { SteppedUpstream } from '../support/stepped-upstream'
import { begin, collect, watch, words } from '../support/streams'
import { holdSubmission } from '../support/submissions'
import { CAT, ask, team } from '../support/teams'
import { upstreams } from '../support/upstreams'

settings({ HEARTBEAT_AFTER_SECONDS: 0.1 })
const { upstream } = upstreams()

describe('Prefer is read', () => {
  test.each([
    ['respond-async', 0, 'respond-async'],
    ['Respond-Async', 0, 'respond-async'],
    ['wait=10', 10_000, 'wait=10'],
    ['wait = 10', 10_000, 'wait=10'],
    ['wait="10"', 10_000, 'wait=10'],
    ['wait=0', 0, 'wait=0'],
    ['wait=007', 7000, 'wait=7'],
    ['wait=999999999', 3_600_000, 'wait=3600'],
    ['respond-async, wait=10', 10_000, 'respond-async, wait=10'],
    ['wait=10,respond-async', 10_000, 'respond-async, wait=10'],
    ['wait=10; foo="bar"', 10_000, 'wait=10'],
    ['wait=1, wait=2', 1000, 'wait=1'],
    ['return=minimal, respond-async', 0, 'respond-async'],
  ])('%s', (prefer, waitMs, applied) => {
    expect(preferenceOf(prefer)).toEqual({ waitMs, applied })
  })

  test.each([
    undefined,
    '',
    'wait',
    'wait=',
    'wait=-1',
    'wait=1.5',
    'wait=soon',
    'wait=1e3',
    'await=3',
    'respond-asynchronously',
    'handling=lenient',
    'foo="respond-async"',
  ])('and ignored where it is %s', (prefer) => {
    expect(preferenceOf(prefer)).toEqual({ waitMs: undefined, applied: '' })
  })
})

describe('a request with Prefer: wait', () => {
  const wait = (seconds: number): Record<string, string> => ({ prefer: `wait=${seconds}` })

  test('gets a whole answer in time, without white space before it', async () => {
    const { key } = await team('acme')
    const response = await ask(key, { prompt: 'A cat @delay=300' }, wait(30))
    expect([response.status, response.headers.get('x-cache')]).toEqual([200, 'MISS'])
    expect(await response.text()).toMatch(/^\{"created"/)
  })

  test('gets a failure in time with its status', async () => {
    const { key } = await team('acme')
    const response = await ask(key, { prompt: 'A cat @delay=300 @fault=moderation' }, wait(30))
    expect(await errorOf(response)).toMatchObject({ status: 400, code: 'moderation_blocked' })
  })

  test('gets a cached answer at once', async () => {
    const { key } = await team('acme')
    await (await ask(key)).text()
    expect((await ask(key, {}, wait(30))).headers.get('x-cache')).toBe('HIT')
  })

  test('gets a 202 with the location of the answer once the wait is over', async () => {
    const gate = gated(upstream)
    const { key } = await team('acme')
    const response = await ask(key, {}, wait(1))
    const { headers } = response
    expect([response.status, headers.get('preference-applied')]).toEqual([202, 'wait=1'])
    expect(headers.get('location')).toBe(`/v1/generations/${headers.get('x-generation-id')}`)
    gate.open()
    expect((await ask(key)).status).toBe(200)
    expect(upstream.calls).toHaveLength(1)
  })

  test('keeps its place in the queue while it becomes a job', async () => {
    const gate = gated(upstream)
    const { key } = await team('acme', { concurrency: 1 })
    const first = ask(key)
    await vi.waitUntil(() => gate.held === 1)
    const submission = holdSubmission()
    const second = ask(key, { prompt: 'Two cats' }, wait(1))
    await vi.waitUntil(() => submission.isHeld(), 5000)
    const third = await ask(key, { prompt: 'Three cats' }, wait(1))
    expect(await third.json()).toMatchObject({ status: 'queued', queued_before: 1 })
    submission.release()
    expect(await (await second).json()).toMatchObject({ status: 'queued', queued_before: 0 })
    gate.open()
    expect((await first).status).toBe(200)
  })

  test('gets a stream that begins in time', async () => {
    const gate = new SteppedUpstream(upstream, 1)
    const options = { headers: wait(30) }
    const { events, ended } = watch(begin('generation', { prompt: 'A cat', partial_images: 2 }, options))
    await vi.waitUntil(() => events.length === 1)
    gate.open()
    expect([await ended, words(events)]).toEqual([undefined, '0 1 done'])
  })

  test('gets a stream without comments from an answer in time', async () => {
    const body = { ...CAT, prompt: 'A cat @delay=300', response_format: null, stream: true }
    const response = await post('/v1/images/generations', body, wait(30))
    expect(await response.text()).toMatch(/^event: image_generation\.completed\n/)
  })
})

describe('a request that does not wait', () => {
  test.each(['respond-async', 'wait=0'])('gets a 202 with the location of the answer (%s)', async (prefer) => {
    const { key } = await team('acme')
    const response = await ask(key, {}, { prefer })
    expect([response.status, response.headers.get('preference-applied')]).toEqual([202, prefer])
    // A run that goes on would serve the next test.
    await ended(key, response.headers.get('x-generation-id') ?? '')
  })

  test('gets no stream', async () => {
    const body = { ...CAT, response_format: null, stream: true }
    const response = await post('/v1/images/generations', body, { prefer: 'respond-async' })
    expect([response.status, response.headers.get('content-type')]).toEqual([202, 'application/json'])
    expect(words(await collect(begin('generation', { prompt: 'A cat' })))).toBe('done')
    expect(upstream.calls).toHaveLength(1)
  })

  test('gets a whole answer for an unknown preference', async () => {
    const { data } = await openai().images.generate(
      { model: 'gpt-image-2', prompt: 'A cat' },
      { headers: { prefer: 'wait=soon, handling=lenient' } },
    )
    expect(data).toHaveLength(1)
  })
})
