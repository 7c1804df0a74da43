import { describe, expect, test } from 'vitest'
import { credits, usd } from '../../src/catalog/money'
import { cost, quote } from '../../src/catalog/quote'
import { asking, catalogue } from './requests'

test.each([
  [0, '0.000000'],
  [1, '0.000001'],
  [210_730, '0.210730'],
  [1_234_567_890, '1234.567890'],
])('%i micro-USD are %s USD', (microUsd, shown) => {
  expect(usd(microUsd)).toBe(shown)
})

describe("the credits of openai-hk's article, at 71000 to the USD", () => {
  const CREDITS_PER_USD = 71_000
  const model = 'gpt-image-1'

  test.each([
    ['low', 800],
    ['medium', 3000],
  ])('a %s square costs about %i', (quality, about) => {
    const microUsd = quote(asking(model, { size: '1024x1024', quality }), catalogue(model)) ?? Number.NaN
    expect(Math.round(credits(microUsd, CREDITS_PER_USD) / 100) * 100).toBe(about)
  })

  test.each([
    [6, 0, 275],
    [6, 0, 272],
    [40, 0, 1056],
    [123, 323, 4160],
    [32_000, 9688, 62_400],
    [1, 1, 1],
  ])('%i text, %i image and %i output tokens cost the exact credits of the article', (text, image, output) => {
    const usage = { input: text + image, inputDetails: { text, image }, output, total: text + image + output }
    const microUsd = cost({ usage, images: 1 }, asking(model), catalogue(model)) ?? Number.NaN
    const article = ((text * 5 + image * 10 + output * 40) * 7.1 * 10_000) / 1_000_000
    expect(credits(microUsd, CREDITS_PER_USD)).toBe(Math.round(article))
  })
})
