import { expect, test } from 'vitest'
import { BASES_2, BASES_2_5, formulaTokens, tableTokens } from '../../src/catalog/tokens'
import type { ImageRequest } from '../../src/image/request'
import { asking, catalogue, PICTURE } from './requests'

test.each([
  ['low', 272, 408, 400],
  ['medium', 1056, 1584, 1568],
  ['high', 4160, 6240, 6208],
])('the older models take %s: %i tokens for a square, %i upright, %i lying', (quality, square, upright, lying) => {
  const sizes = ['1024x1024', '1024x1536', '1536x1024']
  expect(sizes.map((size) => tableTokens(quality, size))).toEqual([square, upright, lying])
})

test.each([
  ['low', 'auto', 408],
  ['high', '2048x2048', 6240],
  ['ultra', '1024x1024', 4160],
  ['ultra', 'auto', 6240],
])('the table takes an unknown value (%s, %s) as the dearest', (quality, size, tokens) => {
  expect(tableTokens(quality, size)).toBe(tokens)
})

/** Of bases 16, 24, 48, 64 and 96. */
const QUALITIES = ['low', 'medium', 'high', 'xhigh', 'max']

test.each([
  ['1024x1024', [196, 439, 1756, 3122, 7024]],
  ['1536x1024', [158, 343, 1372, 2459, 5488]],
  ['1024x1536', [158, 343, 1372, 2459, 5488]],
  ['1280x720', [106, 246, 947, 1683, 3787]],
  ['2048x1152', [157, 367, 1413, 2511, 5650]],
  ['2048x2048', [397, 892, 3568, 6343, 14272]],
  ['2560x1440', [205, 478, 1843, 3276, 7370]],
  ['2880x2880', [659, 1483, 5930, 10542, 23719]],
  ['3840x2160', [371, 865, 3336, 5930, 13342]],
])('the formula gives the published tokens of %s for every base', (size, tokens) => {
  expect(QUALITIES.map((quality) => formulaTokens(BASES_2_5, quality, size))).toEqual(tokens)
})

test.each([
  ['low', '1024x1024', 196],
  ['medium', '1024x1024', 1756],
  ['high', '1024x1024', 7024],
  ['high', 'auto', 7024],
  ['ultra', '1024x1024', 7024],
])('gpt-image-2 has its own bases: %s at %s takes %i', (quality, size, tokens) => {
  expect(formulaTokens(BASES_2, quality, size)).toBe(tokens)
})

test.each([
  // 24 x 800 / 1536 = 12.5, 48 x 1056 / 3072 = 16.5, 24 x 1152 / 2048 = 13.5.
  ['medium', '1536x800', 233],
  ['high', '3072x1056', 1007],
  ['medium', '2048x1152', 367],
])('the formula rounds halves to even: %s at %s takes %i', (quality, size, tokens) => {
  expect(formulaTokens(BASES_2_5, quality, size)).toBe(tokens)
})

test.each([
  ['gemini-nano-banana-2.1', [1120, 1680, 3780]],
  ['gemini-3.1-flash-image', [1120, 1680, 2520]],
  ['gemini-3-pro-image', [1120, 1120, 2000]],
])('%s takes its tokens by resolution', (model, tokens) => {
  const counted = ['1376x768', '2752x1536', '5504x3072'].map(
    (size) => catalogue(model).tokens?.(asking(model, { size })).imageOut,
  )
  expect(counted).toEqual(tokens)
})

const input = (model: string, said: object) => {
  const { textIn, imageIn } = catalogue(model).tokens?.(asking(model, said)) ?? {}
  return [textIn, imageIn]
}

test.each([
  ['an English one', 'a white siamese cat', 19],
  ['a Chinese one', '一只白色的暹罗猫', 24],
])('a prompt counts at most one token per byte: %s', (_, prompt, tokens) => {
  expect(input('gpt-image-2', { prompt })).toEqual([tokens, 0])
})

test('input counts once for a request, and for each image where each is a call', () => {
  const edit = { operation: 'edit', images: [PICTURE, PICTURE], n: 3 }
  expect(input('gpt-image-2', edit)).toEqual([6, 2 * 1536])
  expect(input('gpt-image-1.5', edit)).toEqual([6, 2 * (65 + 16 * 129)])
  expect(input('gpt-image-1.5', { ...edit, inputFidelity: 'high' })).toEqual([6, 2 * (65 + 16 * 129 + 6240)])
  expect(input('gemini-nano-banana-2.1', edit)).toEqual([18, 6 * 1120])
})

test('masks and markups count as pictures', () => {
  expect(input('gpt-image-2.5-flare', { images: [PICTURE], mask: PICTURE })).toEqual([6, 2 * 1536])
  expect(input('gpt-image-2.5-flare', { images: [PICTURE], markup: PICTURE })).toEqual([6, 2 * 1536])
})

test.each([
  ['gpt-image-1.5', 2 * 3 * 100],
  ['gpt-image-2', 2 * 3 * 100],
  ['gpt-image-2.6-sunburst', 2 * 3 * 100],
  ['gemini-3-pro-image', 0],
])('the previews of two images, three of each, take %s tokens more: %i', (model, tokens) => {
  const counted = [0, 3].map((partials) => catalogue(model).tokens?.(asking(model, { n: 2, partials })).imageOut)
  expect((counted[1] ?? Number.NaN) - (counted[0] ?? 0)).toBe(tokens)
})

test.each([
  ['gif', {}, 9],
  ['gif', { frame_count: 2 }, 2],
  ['gif', { frame_count: 16 }, 16],
  ['png', { frame_count: 16 }, 1],
])('a %s with %j takes the tokens of %i pictures', (format, extras, frames) => {
  const tokens = (said: Partial<ImageRequest>) =>
    catalogue('gpt-image-2.5-flare').tokens?.(asking('gpt-image-2.5-flare', said)).imageOut
  const one = tokens({ format: 'png' }) ?? Number.NaN
  expect(tokens({ format, extras })).toBe(frames * one)
  expect(tokens({ format, extras, n: 2, partials: 3 })).toBe(2 * (frames * one + 300))
})
