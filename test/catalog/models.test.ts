import { describe, expect, test } from 'vitest'
import { CATALOGUED, RETIRED, successorOf } from '../../src/catalog/built-in'
import { catalogueOf } from '../../src/catalog/models'
import { catalogue } from './requests'

test('a dated snapshot is as its model', () => {
  expect(catalogue('gpt-image-2-2026-04-21')).toEqual(catalogue('gpt-image-2'))
})

test('nothing is known of a model that nobody has heard of', () => {
  expect(catalogue('unheard-of')).toEqual({ sizes: { kind: 'unknown' } })
  expect(catalogue('constructor')).toEqual({ sizes: { kind: 'unknown' } })
})

test('no retired name is catalogued, and whoever stands in for one is', () => {
  expect(CATALOGUED.filter((name) => RETIRED.has(name))).toEqual([])
  expect([...RETIRED.values()].filter((name) => !CATALOGUED.includes(name))).toEqual([])
})

test.each([
  ['dall-e-3', 'gpt-image-2'],
  ['gpt-image-1', 'gpt-image-2'],
  ['gpt-image-1-2025-04-23', 'gpt-image-2'],
  ['gemini-2.5-flash-image', 'gemini-nano-banana-2.1'],
  ['nano-banana-pro-preview', 'gemini-3-pro-image'],
  ['sora-image', 'gpt-image-2'],
  ['gpt-image-2-vip', 'gpt-image-2'],
  ['nano-banana', 'gemini-nano-banana-2.1'],
  ['nano-banana-fast', 'gemini-nano-banana-2.1'],
  ['nano-banana-2', 'gemini-nano-banana-2.1'],
  ['nano-banana-2-lite', 'gemini-3.1-flash-lite-image'],
  ['nano-banana-pro', 'gemini-3-pro-image'],
  ['nano-banana-pro-4k-vip', 'gemini-3-pro-image'],
  ['gpt-image-1-mini', undefined],
  ['gpt-image-1.5', undefined],
])('%s is stood in for by %s', (name, successor) => {
  expect(successorOf(name)).toBe(successor)
})

test('a retired model that relays still serve keeps what it can do and what it cost', () => {
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

  test('add a model like another, as that was built in', () => {
    const { prices: _, ...base } = catalogue('gpt-image-2')
    expect(changed('house-art')).toEqual({ ...base, qualities: ['high'], prices: { per: 'image', each: 0.04 } })
  })

  test('change only what they say of a built-in model, and of its snapshots', () => {
    const expected = { ...catalogue('gpt-image-2'), prices: { per: 'image', each: 0.01 } }
    expect([changed('gpt-image-2'), changed('gpt-image-2-2026-04-21')]).toEqual([expected, expected])
  })

  test('change one snapshot alone', () => {
    const flare = catalogue('gpt-image-2.5-flare')
    expect(changed('gpt-image-2.5-flare-2026-09-08')).toEqual({ ...flare, qualities: ['max'] })
    expect(changed('gpt-image-2.5-flare')).toEqual(flare)
  })

  test('add a model of which nothing else is known', () => {
    expect(changed('own-art')).toEqual({ sizes: { kind: 'listed', sizes: ['64x64'] } })
  })
})
