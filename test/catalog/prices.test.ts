import { expect, test } from 'vitest'
import { imagePrice, pricesSetting } from '../../src/catalog/prices'

test.each([
  [
    { text_in: 5, image_in: 8, text_out: 10, image_out: 32 },
    { per: 'token', textIn: 5, imageIn: 8, textOut: 10, imageOut: 32 },
  ],
  [{ image_out: 30 }, { per: 'token', textIn: 0, imageIn: 0, textOut: 0, imageOut: 30 }],
  [{ image: 0.04 }, { per: 'image', each: 0.04 }],
  [
    { image: { low: 0.01, 'high 1536x1024': 0.2, '1024x1024': 0 } },
    { per: 'image', each: { low: 0.01, 'high 1536x1024': 0.2, '1024x1024': 0 } },
  ],
])('%j is a price', (given, prices) => {
  expect(pricesSetting.parse(given)).toEqual(prices)
})

test.each([
  [{}],
  [{ text_in: -1 }],
  [{ text_in: '5' }],
  [{ image_out: 30, image: 0.04 }],
  [{ image_out: 30, per: 'token' }],
  [{ image: -0.04 }],
  [{ image: {} }],
  [{ image: { low: -1 } }],
  [{ image: { '1536x1024 high': 0.2 } }],
  [{ image: { '': 0.2 } }],
  [0.04],
])('%j is no price', (given) => {
  expect(pricesSetting.safeParse(given).success).toBe(false)
})

const TABLE = { 'high 1536x1024': 0.25, high: 0.2, low: 0.01, 'low 2048x2048': 0.08, '512x512': 0.005 }

test.each([
  ['quality and size together', 'high', '1536x1024', 0.25],
  ['quality before size', 'low', '512x512', 0.01],
  ['size', 'medium', '512x512', 0.005],
  ['the dearest where nothing matches', 'medium', '1024x1024', 0.25],
  ['the dearest of its quality where any size may come', 'low', 'auto', 0.08],
  ['the dearest where no given value is in the table', 'medium', 'auto', 0.25],
  ["the dearest for a name of an object's property", 'constructor', '1024x1024', 0.25],
])('a table is read by %s', (_, quality, size, price) => {
  expect(imagePrice(TABLE, quality, size)).toBe(price)
})

const WITH_AUTO = { low: 0.01, high: 0.2, 'high 2048x2048': 0.4, auto: 0.05, 'low auto': 0.008 }

test.each([
  ['its quality and `auto` together', 'low', 0.008],
  ['the dearest of its quality', 'high', 0.4],
  ['`auto`', 'medium', 0.05],
])('without a size, a table is read by %s', (_, quality, price) => {
  expect(imagePrice(WITH_AUTO, quality, 'auto')).toBe(price)
})
