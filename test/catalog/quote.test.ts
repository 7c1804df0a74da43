import { describe, expect, test } from 'vitest'
import { quote } from '../../src/catalog/quote'
import type { ImageRequest } from '../../src/image/request'
import { asking, catalogue, PICTURE } from './requests'

const quoted = (model: string, said: Partial<ImageRequest> = {}): number | undefined =>
  quote(asking(model, said), catalogue(model))

/** In USD, to as many decimals as the published price has. */
const published = (price: string, microUsd = Number.NaN): string =>
  (microUsd / 1_000_000).toFixed(price.split('.')[1]?.length).replace(/^0/, '')

/** The quote of a prompt, and of the texts and thoughts of its answer, in micro-USD. */
function quotedTexts(model: string): number {
  const { prices, tokens } = catalogue(model)
  const { textIn = 0, textOut = 0 } = tokens?.(asking(model)) ?? {}
  return prices?.per === 'token' ? textIn * prices.textIn + textOut * prices.textOut : 0
}

describe('the quote of an image is its published price', () => {
  test.each([
    ['gpt-image-2', 'low', '.006', '.005', '.005'],
    ['gpt-image-2', 'medium', '.053', '.041', '.041'],
    ['gpt-image-2', 'high', '.211', '.165', '.165'],
    ['gpt-image-1.5', 'low', '.009', '.013', '.013'],
    ['gpt-image-1.5', 'medium', '.034', '.05', '.05'],
    ['gpt-image-1.5', 'high', '.133', '.20', '.20'],
    ['chatgpt-image-latest', 'high', '.133', '.20', '.20'],
    ['gpt-image-1', 'low', '.011', '.016', '.016'],
    ['gpt-image-1', 'medium', '.042', '.063', '.063'],
    ['gpt-image-1-mini', 'low', '.005', '.006', '.006'],
    ['gpt-image-1-mini', 'medium', '.011', '.015', '.015'],
    ['gpt-image-1-mini', 'high', '.036', '.052', '.052'],
  ])('%s, %s: $%s for a square, $%s upright, $%s lying', (model, quality, ...prices) => {
    const sizes = ['1024x1024', '1024x1536', '1536x1024']
    expect(sizes.map((size, at) => published(prices[at] ?? '', quoted(model, { size, quality })))).toEqual(prices)
  })

  test('dall-e-2 at 512x512: $.018', () => {
    expect(published('.018', quoted('dall-e-2', { size: '512x512' }))).toBe('.018')
  })

  test.each([
    ['gemini-nano-banana-2.1', '1024x1024', '.0336'],
    ['gemini-nano-banana-2.1', '2048x2048', '.0504'],
    ['gemini-nano-banana-2.1', '4096x4096', '.1134'],
    ['gemini-3-pro-image', '1024x1024', '.134'],
    ['gemini-3-pro-image', '2048x2048', '.134'],
    ['gemini-3-pro-image', '4096x4096', '.240'],
    ['gemini-3.1-flash-lite-image', '1024x1024', '.0336'],
    ['gemini-3.1-flash-image', '512x512', '.045'],
    ['gemini-3.1-flash-image', '1024x1024', '.067'],
    ['gemini-3.1-flash-image', '2048x2048', '.101'],
    ['gemini-3.1-flash-image', '4096x4096', '.151'],
    ['gemini-2.5-flash-image', '1024x1024', '.039'],
  ])('%s at %s: $%s without its prompt and its thoughts', (model, size, price) => {
    expect(published(price, (quoted(model, { size }) ?? 0) - quotedTexts(model))).toBe(price)
  })

  test.each([
    ['gpt-image-2.6-sunburst', 'low', '.024'],
    ['gpt-image-2.6-flare', 'low', '.024'],
    ['gpt-image-2.6-flare', 'medium', '.053'],
    ['gpt-image-2.6-flare', 'high', '.053'],
    ['gpt-image-2.6-flare', 'max', '.211'],
  ])('%s, %s: $%s, as low and medium take four times the tokens of 2.5', (model, quality, price) => {
    expect(published(price, quoted(model, { quality, size: '1024x1024' }))).toBe(price)
  })

  test.each([
    ['standard', '1024x1024', '.04'],
    ['standard', '1792x1024', '.08'],
    ['hd', '1024x1024', '.08'],
    ['hd', '1024x1792', '.12'],
  ])('dall-e-3, %s at %s: $%s', (quality, size, price) => {
    expect(published(price, quoted('dall-e-3', { quality, size }))).toBe(price)
  })
})

describe('Workers AI', () => {
  const [schnell, dev] = ['@cf/black-forest-labs/flux-1-schnell', '@cf/black-forest-labs/flux-2-dev']
  const klein = (size: string): string => `@cf/black-forest-labs/flux-2-klein-${size}`
  const [lucid, phoenix] = ['@cf/leonardo/lucid-origin', '@cf/leonardo/phoenix-1.0']
  const edit: Partial<ImageRequest> = { operation: 'edit', images: [PICTURE] }

  test.each<[string, string, Partial<ImageRequest>, number]>([
    ['4 tiles and 4 steps, about $0.0006', schnell, { size: '1024x1024' }, 634],
    ['the requested steps', schnell, { extras: { steps: 8 } }, 1056],
    ['tiles in each step', dev, { size: '1024x1024', extras: { steps: 10 } }, 33_000],
    ['one more tile for an input image', dev, { ...edit, size: '512x512', extras: { steps: 10 } }, 12_380],
    ["the model's own size by default", klein('4b'), {}, 4 * 287],
    ['started tiles', klein('4b'), { size: '1025x512' }, 3 * 287],
    ['images at their own price', klein('4b'), { ...edit, size: '512x512' }, 346],
    ['the first megapixel', klein('9b'), { size: '1024x1024' }, 15_000],
    ['further megapixels', klein('9b'), { size: '1920x1920' }, 21_000],
    ['input images by the megapixel', klein('9b'), { ...edit, size: '512x512' }, 17_000],
    ['steps once, not for each tile', phoenix, { size: '1024x1024' }, 4 * 5800 + 25 * 110],
    ['the largest number of steps', lucid, {}, 9 * 7000 + 40 * 132],
    ['each image', schnell, { n: 3 }, 1901],
  ])('is quoted by %s', (_, model, said, microUsd) => {
    expect(quoted(model, said)).toBe(microUsd)
  })
})

describe('a default is quoted at its dearest', () => {
  test('quality as high', () => {
    expect(quoted('gpt-image-2')).toBe(quoted('gpt-image-2', { quality: 'high' }))
    expect(quoted('gpt-image-2.5-flare')).toBe(quoted('gpt-image-2.5-flare', { quality: 'high' }))
  })

  test('size as the dearest of three, or as 1024x1024 for a free size', () => {
    expect(quoted('gpt-image-1.5')).toBe(quoted('gpt-image-1.5', { size: '1024x1536' }))
    expect(quoted('gpt-image-2')).toBe(quoted('gpt-image-2', { size: '1024x1024' }))
    expect(quoted('gemini-3-pro-image')).toBe(quoted('gemini-3-pro-image', { size: '1024x1024' }))
  })
})

test('the prompt and the input images are paid once, the output images each', () => {
  const said: Partial<ImageRequest> = { size: '1024x1024', quality: 'low', operation: 'edit', images: [PICTURE] }
  expect(quoted('gpt-image-2', said)).toBe(6 * 5 + 1536 * 8 + 196 * 30)
  expect(quoted('gpt-image-2', { ...said, n: 3 })).toBe(6 * 5 + 1536 * 8 + 3 * 196 * 30)
})

test('previews cost output tokens, and are included in a price per image', () => {
  const said: Partial<ImageRequest> = { size: '1024x1024', quality: 'low', n: 2, partials: 3 }
  expect(quoted('gpt-image-2', said)).toBe(6 * 5 + 2 * (196 + 300) * 30)
  const asked = asking('gpt-image-2', said)
  expect(quote(asked, catalogue('gpt-image-2'), { per: 'image', each: 0.01 })).toBe(20_000)
  const schnell = '@cf/black-forest-labs/flux-1-schnell'
  expect(quoted(schnell, { partials: 3 })).toBe(quoted(schnell))
})

test("an upstream's own prices come before the model's", () => {
  const [request, model] = [asking('gpt-image-2', { quality: 'low', n: 2 }), catalogue('gpt-image-2')]
  expect(quote(request, model, { per: 'token', textIn: 0, imageIn: 0, textOut: 0, imageOut: 10 })).toBe(2 * 1960)
  expect(quote(request, model, { per: 'image', each: 0.0336 })).toBe(67_200)
  expect(quote(request, catalogue('unheard-of'), { per: 'image', each: 0.04 })).toBe(80_000)
})

test('a fraction of a micro-USD is rounded up', () => {
  expect(quote(asking('a'), catalogue('a'), { per: 'image', each: 0.000_000_1 })).toBe(1)
})

test('there is no quote where no price is known', () => {
  expect(quote(asking('unheard-of'), catalogue('unheard-of'))).toBeUndefined()
})

test('the thoughts of a Gemini model are quoted, so that a measured answer costs no more', () => {
  expect(quoted('gemini-3-pro-image', { size: '4096x4096', prompt: 'a'.repeat(326) })).toBeGreaterThanOrEqual(248_776)
})

test('a model with unknown token counts is quoted as the one that uses the most', () => {
  const prices = { per: 'token', textIn: 1, imageIn: 1, textOut: 1, imageOut: 1 } as const
  const dearest = quote(asking('gpt-image-2'), catalogue('gpt-image-2'), prices)
  expect(quote(asking('unheard-of'), catalogue('unheard-of'), prices)).toBe(dearest)
})
