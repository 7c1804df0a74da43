import { describe, expect, test } from 'vitest'
import { CATALOGUED, RETIRED } from '../../src/upstreams/built-in'
import { catalogueOf } from '../../src/upstreams/catalogue'
import { comingShutdown, successorOf } from '../../src/upstreams/retirement'
import { catalogue } from './requests'

/** The last millisecond of November 2026. */
const LAST_DAY = Date.UTC(2026, 11, 1) - 1

test('a dated snapshot has the data of its model', () => {
  expect(catalogue('gpt-image-2-2026-04-21')).toEqual(catalogue('gpt-image-2'))
})

test('an unknown model has no data', () => {
  expect(catalogue('unheard-of')).toEqual({ sizes: { kind: 'unknown' } })
  expect(catalogue('constructor')).toEqual({ sizes: { kind: 'unknown' } })
})

test('the catalogue holds no retired name, and the last successor of each', () => {
  expect(CATALOGUED.filter((name) => RETIRED.has(name))).toEqual([])
  const lastOf = (name: string): string => {
    const next = RETIRED.get(name)
    return next === undefined ? name : lastOf(next)
  }
  expect([...RETIRED.keys()].map(lastOf).filter((name) => !CATALOGUED.includes(name))).toEqual([])
})

test.each([
  ['dall-e-3', 'gpt-image-2.5-sunburst'],
  ['gpt-image-1', 'gpt-image-2.5-sunburst'],
  ['gpt-image-1-2025-04-23', 'gpt-image-2.5-sunburst'],
  ['gpt-image-1.5-pro', 'gpt-image-2.5-sunburst'],
  ['gemini-2.5-flash-image', 'gemini-nano-banana-2.1'],
  ['gemini-2.5-flash-image-preview', 'gemini-2.5-flash-image'],
  ['gemini-2.0-flash-preview-image-generation', 'gemini-2.5-flash-image'],
  ['gemini-2.0-flash-exp-image-generation', 'gemini-2.5-flash-image'],
  ['gemini-3.1-flash-image-preview', 'gemini-3.1-flash-image'],
  ['nano-banana-pro-preview', 'gemini-3-pro-image'],
  ['sora-image', 'gpt-image-2'],
  ['gpt-image-2-vip', 'gpt-image-2'],
  ['nano-banana', 'gemini-nano-banana-2.1'],
  ['nano-banana-fast', 'gemini-nano-banana-2.1'],
  ['nano-banana-2', 'gemini-nano-banana-2.1'],
  ['nano-banana-2-lite', 'gemini-3.1-flash-lite-image'],
  ['nano-banana-pro', 'gemini-3-pro-image'],
  ['nano-banana-pro-4k-vip', 'gemini-3-pro-image'],
  ['gpt-image-2', undefined],
  ['unheard-of', undefined],
])('%s is replaced by %s on any day', (name, successor) => {
  expect([0, LAST_DAY, Infinity].map((nowMs) => successorOf(name, catalogue, nowMs))).toEqual(Array(3).fill(successor))
})

describe.each([
  ['gpt-image-1.5', 'gpt-image-2.5-sunburst'],
  ['gpt-image-1.5-2025-12-16', 'gpt-image-2.5-sunburst'],
  ['chatgpt-image-latest', 'gpt-image-2.5-sunburst'],
  ['gpt-image-1-mini', 'gpt-image-2.5-flare'],
])('%s', (name, successor) => {
  test('is available until the day of its shutdown begins, in UTC', () => {
    expect(successorOf(name, catalogue, LAST_DAY)).toBeUndefined()
    expect(comingShutdown(name, catalogue, LAST_DAY)).toEqual({ date: '2026-12-01', successor })
  })

  test('is replaced from then on by a live model with the same parameters', () => {
    expect(successorOf(name, catalogue, LAST_DAY + 1)).toBe(successor)
    expect(comingShutdown(name, catalogue, LAST_DAY + 1)).toBeUndefined()
    const [old, live] = [catalogue(name), catalogue(successor)]
    for (const can of ['qualities', 'backgrounds', 'formats', 'moderations'] as const)
      expect(live[can]).toEqual(expect.arrayContaining([...(old[can] ?? [])]))
    expect(live.shutdown).toBeUndefined()
  })
})

test('a retired model that relays still serve keeps its abilities and its price', () => {
  expect(catalogue('gpt-image-1')).toMatchObject({
    sizes: catalogue('gpt-image-1.5').sizes,
    qualities: ['low', 'medium', 'high', 'auto'],
    prices: { per: 'token', textIn: 5, imageIn: 10, imageOut: 40 },
  })
})

describe('settings', () => {
  const changed = catalogueOf({
    'house-art': { like: 'gpt-image-2', qualities: ['high'], prices: { per: 'image', each: 0.04 } },
    'gpt-image-2': { prices: { per: 'image', each: 0.01 } },
    'gpt-image-2.5-flare-2026-09-08': { qualities: ['max'] },
    'own-art': { sizes: { kind: 'listed', sizes: ['64x64'] } },
  })

  test('add a model like another, as built in', () => {
    const { prices: _, ...base } = catalogue('gpt-image-2')
    expect(changed('house-art')).toEqual({ ...base, qualities: ['high'], prices: { per: 'image', each: 0.04 } })
  })

  test('change the given fields of a built-in model and of its snapshots', () => {
    const expected = { ...catalogue('gpt-image-2'), prices: { per: 'image', each: 0.01 } }
    expect([changed('gpt-image-2'), changed('gpt-image-2-2026-04-21')]).toEqual([expected, expected])
  })

  test('change one snapshot alone', () => {
    const flare = catalogue('gpt-image-2.5-flare')
    expect(changed('gpt-image-2.5-flare-2026-09-08')).toEqual({ ...flare, qualities: ['max'] })
    expect(changed('gpt-image-2.5-flare')).toEqual(flare)
  })

  test("set a model's shutdown, which models like it do not inherit", () => {
    const shutdown = { date: '2027-06-01', successor: 'gpt-image-2' }
    const known = catalogueOf({
      'own-art': { shutdown },
      'gpt-image-1.5': { shutdown },
      heir: { like: 'gpt-image-1.5' },
    })
    const successors = (name: string) =>
      [LAST_DAY + 1, Date.UTC(2027, 5, 1)].map((nowMs) => successorOf(name, known, nowMs))
    expect(successors('own-art')).toEqual([undefined, 'gpt-image-2'])
    expect(successors('gpt-image-1.5')).toEqual([undefined, 'gpt-image-2'])
    expect(successors('heir')).toEqual([undefined, undefined])
    expect(known('heir').sizes).toEqual(known('gpt-image-1.5').sizes)
  })

  test('add a model with no other data', () => {
    expect(changed('own-art')).toEqual({ sizes: { kind: 'listed', sizes: ['64x64'] } })
  })
})
