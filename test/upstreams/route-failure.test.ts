import { describe, expect, test } from 'vitest'
import { ProviderError, type ProviderErrorKind } from '../../src/providers/provider'
import type { Unavailability } from '../../src/upstreams/health'
import { failureInWords } from '../../src/failures/words'
import { routeFailure } from '../../src/upstreams/route-failure'

const NOW = 1_800_000_000_000

const error = (kind: ProviderErrorKind, facts: ProviderError['facts'] = {}): ProviderError =>
  new ProviderError(kind, 'answered somehow', facts)
const throttled = (retryAfterMs?: number): ProviderError => error('throttled', { retryAfterMs })
const unavailability = (reason: Unavailability['reason'], waitMs: number): Unavailability => ({
  reason,
  untilMs: NOW + waitMs,
})

const told = (errors: ProviderError[], unavailabilities: Unavailability[] = []) => {
  const { code, retryAfterMs, retry } = routeFailure(errors, unavailabilities, NOW)
  return { code, retryAfterMs, retry }
}
const after = (retryAfterMs: number) => ({ code: 'no_upstream', retryAfterMs, retry: undefined })
const MENDING = { code: 'no_upstream', retryAfterMs: undefined, retry: false }

describe('a request without an upstream', () => {
  test.each<[string, ProviderError[], Unavailability[], number]>([
    ['end of a cooling account', [], [unavailability('cooling', 30_000), unavailability('cooling', 9000)], 9000],
    ['end of an open account', [], [unavailability('open', 60_000), unavailability('open', 30_000)], 30_000],
    ['of both', [throttled(7000)], [unavailability('open', 30_000)], 7000],
    ['end to the millisecond', [], [unavailability('open', 3000.2)], 3001],
    ['end among accounts that recover', [error('misconfigured')], [unavailability('cooling', 12_000)], 12_000],
    ['end where the rest is switched off', [], [unavailability('out', Infinity), unavailability('open', 4000)], 4000],
    ['end where the rest failed in passing', [error('unavailable')], [unavailability('cooling', 2000)], 2000],
    ['end also beside an unknown one', [throttled(), throttled(60_000)], [], 5000],
    ['end, but not at once', [], [unavailability('cooling', -50)], 1000],
    ['end of a full minute', [], [unavailability('busy', 41_000)], 41_000],
    ["end of full slots, at the queue's limit", [], [unavailability('full', 360_000)], 5000],
  ])('has a retry-after with the soonest %s', (_, errors, unavailabilities, waitMs) => {
    expect(told(errors, unavailabilities)).toEqual(after(waitMs))
  })

  test.each<[string, ProviderError[], Unavailability[]]>([
    ['all were refused', [error('misconfigured'), error('misconfigured')], []],
    ['all are disabled or out', [], [unavailability('disabled', Infinity), unavailability('out', Infinity)]],
    ['all that is left is without the model', [], [unavailability('without-model', 300_000)]],
    ['the last one was refused just now', [error('misconfigured')], [unavailability('disabled', Infinity)]],
  ])('has no retry before a repair where %s', (_, errors, unavailabilities) => {
    expect(told(errors, unavailabilities)).toEqual(MENDING)
  })

  test('has no retry-after for a failure without a known end', () => {
    expect(told([error('unavailable'), error('misconfigured')], [unavailability('disabled', Infinity)])).toEqual({
      code: 'upstream_failed',
      retryAfterMs: undefined,
      retry: undefined,
    })
  })

  test.each<[string, ProviderError, object]>([
    [
      'a refusal',
      error('rejected', { failure: { code: 'content_rejected', message: 'No.' } }),
      { code: 'content_rejected' },
    ],
    ['a refusal without a sentence', error('rejected'), { code: 'invalid_request' }],
    ['an answer paid in vain', error('lost'), { code: 'upstream_failed', retry: false }],
    ['a time-out', error('lost', { code: 'timed_out' }), { code: 'timed_out', retry: false }],
  ])('reports %s before anything else', (_, first, expected) => {
    const others = [throttled(1000), error('misconfigured'), error('unavailable')]
    expect(told([...others, first], [unavailability('cooling', 1000)])).toMatchObject({
      ...expected,
      retryAfterMs: undefined,
    })
  })

  test('contains no words of an upstream', () => {
    const messages = [error('unavailable'), error('misconfigured'), error('lost'), throttled()].map(
      (each) => failureInWords(routeFailure([each], [], NOW)).message,
    )
    expect(messages.filter((message) => message.includes('answered somehow'))).toEqual([])
  })
})

describe('a good answer without an image', () => {
  const wordsOf = (...errors: ProviderError[]): string => failureInWords(routeFailure(errors, [], NOW)).message
  const [page, empty] = [
    error('unavailable', { isUnusable: true }),
    error('unavailable', { isUnusable: true, scope: 'request' }),
  ]

  test('blames the prompt where it may be the reason', () => {
    expect(wordsOf(empty)).toContain('Change the prompt')
    expect(wordsOf(page, empty)).toContain('Change the prompt')
  })

  test('does not blame the prompt for a web page', () => {
    expect(wordsOf(page)).toBe('The upstream answered with a web page in place of an image. Try again later.')
  })

  test.each([[page], [empty]])('invites no retry', (failed) => {
    expect(told([failed])).toEqual({ code: 'upstream_failed', retryAfterMs: undefined, retry: false })
  })
})
