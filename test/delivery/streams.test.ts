import { describe, expect, test, vi } from 'vitest'
import { joined } from '../support/joining'
import { SteppedUpstream } from '../support/stepped-upstream'
import { begin, collect, OPERATIONS, outputTokens, picturesIn, type Wanted, watch, words } from '../support/streams'
import { upstreams } from '../support/upstreams'

const { upstream } = upstreams()

/** The previews of so many pictures, and then the pictures. */
const told = (pictures: number, partials: number, n: number): string =>
  [
    ...Array.from({ length: pictures }, () => Array.from({ length: partials }, (_, index) => String(index))).flat(),
    ...Array.from({ length: n }, () => 'done'),
  ].join(' ')

const COUNTS = [0, 1, 2, 3].flatMap((partials) => [1, 2].map((n) => ({ partials, n })))
const CASES = OPERATIONS.flatMap((operation) => COUNTS.map((counts) => ({ operation, ...counts })))

describe.each(CASES)(
  'the SDK streams an $operation of n = $n with $partials partials',
  ({ operation, partials, n }) => {
    const wanted = (prompt: string): Wanted => ({ prompt, n, partial_images: partials })
    const ask = (prompt: string): ReturnType<typeof begin> => begin(operation, wanted(prompt))

    test('of a new image', async () => {
      const events = await collect(ask('A cat'))
      expect(words(events)).toBe(told(n, partials, n))
      expect(
        events.every(({ type }) => type.startsWith(operation === 'edit' ? 'image_edit.' : 'image_generation.')),
      ).toBe(true)
      expect(new Set(picturesIn(events)).size).toBe(n * (partials + 1))
      expect(outputTokens(events)).toBe(n * (196 + 100 * partials))
    })

    test('of a run in progress', async () => {
      const gate = new SteppedUpstream(upstream, partials)
      const first = watch(ask('A cat'))
      await vi.waitUntil(() => upstream.calls.length === 1 && first.events.length === partials)
      const { begun: late } = await joined(() => watch(ask('A cat')))
      await vi.waitUntil(() => late.events.length === Math.min(1, partials))
      gate.open()
      expect([await first.ended, await late.ended, upstream.calls.length]).toEqual([undefined, undefined, 1])
      expect(words(first.events)).toBe(told(n, partials, n))
      const rest = first.events.slice(Math.max(0, partials - 1))
      expect([words(late.events), picturesIn(late.events)]).toEqual([words(rest), picturesIn(rest)])
    })

    test('from the cache', async () => {
      const made = await collect(ask('A cat'))
      const events = await collect(ask('A cat'))
      expect(events).toEqual(made.slice(-n))
      expect(upstream.calls).toHaveLength(1)
    })

    test.each(['@no-stream', '@ignores-stream'])('through an upstream without streams (%s)', async (marker) => {
      const events = await collect(ask(`A cat ${marker}`))
      expect(words(events)).toBe(told(0, 0, n))
      expect(outputTokens(events)).toBe(n * 196)
    })
  },
)
