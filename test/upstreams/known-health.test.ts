import { afterEach, expect, test } from 'vitest'
import { type Health, healthAfter, NEW } from '../../src/upstreams/health'
import { forgetAllHealths, forgetHealth, noteHealth, wellHealth } from '../../src/upstreams/known-health'

const NOW = 1_800_000_000_000
const CALLER = { model: 'relay-1', payer: 'acme', request: 'gen_1' }
const PROVEN = healthAfter(NEW, { is: 'served' }, CALLER, NOW)

afterEach(forgetAllHealths)

test('a well account is believed for five seconds', () => {
  noteHealth('relay/1', PROVEN, NOW)
  expect(wellHealth('relay/1', CALLER, NOW + 4999)).toEqual(PROVEN)
  expect(wellHealth('relay/1', CALLER, NOW + 5000)).toBeUndefined()
  // A clock that ran back knows no age.
  expect(wellHealth('relay/1', CALLER, NOW - 1)).toBeUndefined()
})

test.each<[string, Health]>([
  ['new', NEW],
  ['throttled', healthAfter(PROVEN, { is: 'throttled', retryAfterMs: 9000 }, CALLER, NOW)],
  ['after a pause', { ...PROVEN, trouble: { ...PROVEN.trouble, openings: 1 } }],
  ['without the model', healthAfter(PROVEN, { is: 'misconfigured', ofModel: true }, CALLER, NOW)],
])('an account that is %s is not believed', (_, health) => {
  noteHealth('relay/1', health, NOW)
  expect(wellHealth('relay/1', CALLER, NOW)).toBeUndefined()
})

test('trouble of one payer is not that of another', () => {
  let health = PROVEN
  for (const request of ['1', '2', '3', '4', '5'])
    health = healthAfter(health, { is: 'unavailable' }, { ...CALLER, request }, NOW)
  noteHealth('relay/1', health, NOW)
  expect(wellHealth('relay/1', CALLER, NOW)).toBeUndefined()
  expect(wellHealth('relay/1', { ...CALLER, payer: 'other' }, NOW)).toEqual(health)
})

test('an answer to a question before a failure is not believed', () => {
  forgetHealth('relay/1', NOW)
  noteHealth('relay/1', PROVEN, NOW)
  expect(wellHealth('relay/1', CALLER, NOW)).toBeUndefined()
  noteHealth('relay/1', PROVEN, NOW + 1)
  expect(wellHealth('relay/1', CALLER, NOW + 1)).toEqual(PROVEN)
})

test('only so many accounts are remembered', () => {
  for (let at = 0; at <= 1000; at++) noteHealth(`relay/${at}`, PROVEN, NOW)
  expect([wellHealth('relay/0', CALLER, NOW), wellHealth('relay/1', CALLER, NOW)]).toEqual([undefined, PROVEN])
})
