import { describe, expect, test } from 'vitest'
import { cost, type ActualUse, quote } from '../../src/catalog/quote'
import type { ImageRequest } from '../../src/image/request'
import { asking, catalogue } from './requests'

const costs = (model: string, made: ActualUse, said: Partial<ImageRequest> = {}): number | undefined =>
  cost(made, asking(model, said), catalogue(model))

const usage = { input: 18, inputDetails: { text: 18, image: 0 }, output: 196, total: 214 }

describe('the cost of an answer follows its usage', () => {
  test.each<[string, ActualUse['usage'], Partial<ImageRequest>, number]>([
    ['text and image input', { ...usage, input: 28, inputDetails: { text: 18, image: 10 } }, {}, 6050],
    ['text output', { ...usage, outputDetails: { text: 6, image: 190 } }, {}, 90 + 190 * 32 + 60],
    ['input of a generation counts as text', { input: 18, output: 196, total: 214 }, {}, 90 + 196 * 32],
    [
      'input of an edit counts as images',
      { input: 18, output: 196, total: 214 },
      { operation: 'edit' },
      144 + 196 * 32,
    ],
  ])('%s', (what, given, said, microUsd) => {
    const model = what === 'text and image input' ? 'gpt-image-2' : 'gpt-image-1.5'
    expect(costs(model, { usage: given, images: 1 }, said)).toBe(microUsd)
  })

  test('is independent of the quote and rounded once', () => {
    const odd = { input: 1, inputDetails: { text: 0, image: 1 }, output: 1, total: 2 }
    expect(costs('gpt-image-1-mini', { usage: odd, images: 1 })).toBe(11)
    const prices = { per: 'token', textIn: 0.4, imageIn: 0, textOut: 0, imageOut: 0.4 } as const
    const two = { input: 1, output: 1, total: 2 }
    expect(cost({ usage: two, images: 1 }, asking('a'), catalogue('a'), prices)).toBe(1)
  })
})

test('texts, thoughts and inputs of a Gemini model are paid for', () => {
  const said = {
    input: 326,
    inputDetails: { text: 326, image: 0 },
    output: 2677,
    outputDetails: { text: 677, image: 2000 },
    total: 3003,
  }
  expect(costs('gemini-3-pro-image', { usage: said, images: 1 })).toBe(248_776)
})

describe('without usage', () => {
  const said = { size: '1024x1024', quality: 'low', n: 4 }

  test('the images that arrived cost their share of the quote', () => {
    const whole = quote(asking('gpt-image-2', said), catalogue('gpt-image-2')) ?? 0
    expect(costs('gpt-image-2', { images: 4 }, said)).toBe(whole)
    expect(costs('gpt-image-2', { images: 1 }, said)).toBe(Math.round(whole / 4))
  })

  test('the size and quality of the answer count, not the dearest possible ones', () => {
    const made = { images: 1, size: '1024x1024', quality: 'low' }
    expect(costs('gpt-image-2', made)).toBe(6 * 5 + 196 * 30)
  })

  test('the cost of a model without a price is unknown', () => {
    expect(costs('unheard-of', { images: 1 })).toBeUndefined()
  })
})

test('a price per image needs no usage', () => {
  const prices = { per: 'image', each: { low: 0.01, high: 0.2 } } as const
  const made = { usage, images: 2, quality: 'low' }
  expect(cost(made, asking('gpt-image-2', { n: 3 }), catalogue('gpt-image-2'), prices)).toBe(20_000)
})

test('a usage of zero from a relay is ignored', () => {
  const nothing = { input: 0, output: 0, total: 0 }
  const request = asking('gpt-image-2', { n: 2 })
  const model = catalogue('gpt-image-2')
  expect(cost({ usage: nothing, images: 2 }, request, model)).toBe(quote(request, model))
})

describe('the cost of an image by its tokens (protocols §1.9) is its published price', () => {
  const settled = (model: string, quality: string, tokens: number): string => {
    const counted = { input: 0, output: tokens, total: tokens }
    return ((costs(model, { usage: counted, images: 1 }, { quality, size: '1024x1024' }) ?? NaN) / 1e6).toFixed(3)
  }

  test.each([
    ['gpt-image-2', 'low', 196, '0.006'],
    ['gpt-image-2', 'medium', 1756, '0.053'],
    ['gpt-image-2', 'high', 7024, '0.211'],
    ['gpt-image-1.5', 'low', 272, '0.009'],
    ['gpt-image-1.5', 'medium', 1056, '0.034'],
    ['gpt-image-1.5', 'high', 4160, '0.133'],
  ])('%s %s', (model, quality, tokens, price) => {
    expect(settled(model, quality, tokens)).toBe(price)
  })

  // The published prices contain $0.0025 that the tokens do not explain; no usage was seen to bill it.
  test.each([
    ['low', 272, '0.002'],
    ['medium', 1056, '0.008'],
    ['high', 4160, '0.033'],
  ])('gpt-image-1-mini %s costs its published price minus the part beyond its tokens', (quality, tokens, price) => {
    expect(settled('gpt-image-1-mini', quality, tokens)).toBe(price)
  })
})

describe('a price table', () => {
  const prices = { per: 'image', each: { standard: 0.01, hd: 0.05 } } as const

  test('bills the requested quality, not the one that the upstream names', () => {
    const made = { images: 1, quality: 'medium', size: '1024x1024' }
    expect(cost(made, asking('flux-9', { quality: 'standard' }), catalogue('flux-9'), prices)).toBe(10_000)
  })
})
