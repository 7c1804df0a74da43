import { describe, expect, test, vi } from 'vitest'
import { joined } from '../support/joining'
import { SteppedUpstream } from '../support/stepped-upstream'
import { begin, collect, picturesIn, type Wanted, watch, type Watched, words } from '../support/streams'
import { openai } from '../support/gateway'
import { stored } from '../support/teams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

/** The request of the others, as a stream. */
const A_CAT = { model: 'gpt-image-2', prompt: 'A cat', quality: 'low', size: '1024x1024' } as const

const ask = (partial_images?: number, signal?: AbortSignal, more: Partial<Wanted> = {}): Watched => {
  const wanted = { prompt: 'A cat', ...(partial_images === undefined ? {} : { partial_images }), ...more }
  return watch(begin('generation', wanted, signal ? { signal } : {}))
}

/** Begins a stream; resolves after this many previews. */
async function begun(partials: number, seen: number, signal?: AbortSignal): Promise<Watched> {
  const watched = ask(partials, signal)
  await vi.waitUntil(() => upstream.calls.length === 1 && watched.events.length === seen)
  return watched
}

describe('a request that joins a stream', () => {
  test.each([
    [undefined, 'done'],
    [0, 'done'],
    [1, '0 done'],
    [2, '0 1 done'],
    [3, '0 1 2 done'],
  ])('with partial_images %s gets at most that many previews', async (partials, seen) => {
    const gate = new SteppedUpstream(upstream, 1)
    const first = await begun(3, 1)
    const { begun: late } = await joined(() => ask(partials))
    gate.open()
    await Promise.all([first.ended, late.ended])
    expect([words(first.events), words(late.events)]).toEqual(['0 1 2 done', seen])
    expect(picturesIn(late.events).at(-1)).toBe(picturesIn(first.events).at(-1))
  })

  test('with more previews than the first request gets those of the first', async () => {
    const gate = new SteppedUpstream(upstream, 1)
    const first = await begun(1, 1)
    const { begun: late } = await joined(() => ask(3))
    gate.open()
    await Promise.all([first.ended, late.ended])
    expect([words(first.events), words(late.events), upstream.calls.length]).toEqual(['0 done', '0 done', 1])
  })

  test('gets the picture alone when the run makes no previews', async () => {
    const gate = new SteppedUpstream(upstream, 0)
    const whole = openai().images.generate({ ...A_CAT, response_format: 'b64_json' })
    await vi.waitUntil(() => upstream.calls.length === 1)
    const { begun: late } = await joined(() => ask(3))
    gate.open()
    const { data } = await whole
    await late.ended
    expect([words(late.events), picturesIn(late.events)]).toEqual(['done', [data?.[0]?.b64_json]])
  })

  test('without previews gets a whole answer', async () => {
    const gate = new SteppedUpstream(upstream, 2)
    const first = await begun(3, 2)
    const { begun: whole } = await joined(() =>
      openai()
        .images.generate({ ...A_CAT, response_format: 'b64_json' })
        .asResponse(),
    )
    gate.open()
    const { data } = await (await whole).json<{ data: { b64_json: string }[] }>()
    await first.ended
    expect(data.map(({ b64_json }) => b64_json)).toEqual(picturesIn(first.events).slice(-1))
  })

  test('during the second picture gets the newest preview of each', async () => {
    const gate = new SteppedUpstream(upstream, 4)
    const first = ask(2, undefined, { n: 2 })
    await vi.waitUntil(() => first.events.length === 3)
    const late = ask(2, undefined, { n: 2 })
    await vi.waitUntil(() => late.events.length === 2)
    expect(picturesIn(late.events)).toEqual([first.events[1]?.b64_json, first.events[2]?.b64_json])
    gate.open()
    await Promise.all([first.ended, late.ended])
    expect([words(first.events), words(late.events)]).toEqual(['0 1 0 1 done done', '1 0 1 done done'])
  })
})

describe('a client that hangs up in the middle of its stream', () => {
  test('leaves the others undisturbed and finds its picture later', async () => {
    const gate = new SteppedUpstream(upstream, 1)
    const abort = new AbortController()
    const first = await begun(3, 1, abort.signal)
    const other = ask(3)
    await vi.waitUntil(() => other.events.length === 1)
    abort.abort()
    await first.ended
    gate.open()
    expect([await other.ended, words(other.events)]).toEqual([undefined, '0 1 2 done'])
    expect(picturesIn(await collect(begin('generation', { prompt: 'A cat' })))).toEqual(
      picturesIn(other.events).slice(-1),
    )
    expect(upstream.calls).toHaveLength(1)
  })

  test('leaves its run alive', async () => {
    const gate = new SteppedUpstream(upstream, 1)
    const abort = new AbortController()
    const first = await begun(3, 1, abort.signal)
    abort.abort()
    await first.ended
    gate.open()
    await vi.waitUntil(async () => (await stored()) === 1)
    expect(words(await collect(begin('generation', { prompt: 'A cat', partial_images: 3 })))).toBe('done')
    expect(upstream.calls).toHaveLength(1)
  })

  test('leaves a later failure of the run without effect on the next request', async () => {
    const gate = new SteppedUpstream(upstream, 1)
    const abort = new AbortController()
    const prompt = 'A cat @once=error-inside'
    const first = ask(1, abort.signal, { prompt })
    await vi.waitUntil(() => first.events.length === 1)
    abort.abort()
    await first.ended
    gate.open()
    await vi.waitUntil(() => upstream.calls[0]?.outcome === 'fault:error-inside')
    expect(words(await collect(begin('generation', { prompt, partial_images: 1 })))).toContain('done')
  })
})
