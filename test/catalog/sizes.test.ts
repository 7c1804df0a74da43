import { describe, expect, test } from 'vitest'
import { fitSize } from '../../src/catalog/fit-size'
import { geminiShape } from '../../src/catalog/gemini-sizes'
import { asking, catalogue, inWords } from './requests'

const fitted = (model: string, size: string): ReturnType<typeof inWords> =>
  inWords(fitSize(asking(model, { size }), catalogue(model).sizes, false))

/** The size made in place of a requested one, or the sentence of the refusal. */
function made(model: string, asked: string): string {
  const fitting = fitted(model, asked)
  return 'size' in fitting ? fitting.size : fitting.refusal.message
}

const PRO = 'gemini-3-pro-image'
const BANANA = 'gemini-nano-banana-2.1'

describe('Gemini', () => {
  test.each([
    ['1:1', '1024x1024', '2048x2048', '4096x4096'],
    ['16:9', '1376x768', '2752x1536', '5504x3072'],
    ['9:16', '768x1376', '1536x2752', '3072x5504'],
    ['21:9', '1584x672', '3168x1344', '6336x2688'],
    ['3:2', '1264x848', '2528x1696', '5056x3392'],
    ['2:3', '848x1264', '1696x2528', '3392x5056'],
    ['4:3', '1200x896', '2400x1792', '4800x3584'],
    ['3:4', '896x1200', '1792x2400', '3584x4800'],
    ['5:4', '1152x928', '2304x1856', '4608x3712'],
    ['4:5', '928x1152', '1856x2304', '3712x4608'],
    ['4:1', '2048x512', '4096x1024', '8192x2048'],
    ['1:8', '384x3072', '768x6144', '1536x12288'],
  ])('makes %s at 1K, 2K and 4K', (ratio, ...sizes) => {
    expect(sizes.map((size) => fitted(BANANA, size))).toEqual(sizes.map((size) => ({ size })))
    const resolutions = ['1K', '2K', '4K']
    expect(sizes.map(geminiShape)).toEqual(resolutions.map((resolution) => ({ ratio, resolution })))
  })

  test.each([
    [PRO, '1536x1024', '1264x848'],
    [PRO, '1024x1536', '848x1264'],
    [PRO, '1920x1080', '1376x768'],
    [PRO, '2560x1440', '2752x1536'],
    [PRO, '3840x2160', '2752x1536'],
    [PRO, '4096x2304', '5504x3072'],
    [PRO, '1080x1080', '1024x1024'],
    [PRO, '512x512', '1024x1024'],
    [PRO, '1280x1024', '1152x928'],
    [PRO, '256x256', '1024x1024'],
    [BANANA, '1800x500', '2048x512'],
    [PRO, '2900x1000', '3168x1344'],
    ['gemini-3.1-flash-lite-image', '3840x2160', '1376x768'],
  ])('%s adapts %s to %s, the nearest ratio and resolution', (model, asked, size) => {
    expect(fitted(model, asked)).toMatchObject({
      size,
      refusal: { message: `Invalid size '${asked}'. The nearest that this model makes is ${size}.` },
    })
  })

  test.each(['3000x1000', '1000x2400', '64x4096'])('refuses %s, too far from every ratio', (asked) => {
    expect(made(PRO, asked)).toMatch(
      /The aspect ratio must be near one of 1:1, 21:9, 16:9, 3:2, 4:3, 5:4, 9:16, 2:3, 3:4, 4:5\.$/,
    )
  })

  test('refuses a size more than 16 times smaller', () => {
    expect(made(PRO, '9x9')).toBe("Invalid size '9x9'. The nearest that this model makes is 1024x1024.")
  })

  test.each([['16:9 '], ['big'], ['0x100']])('rejects %s as a size', (asked) => {
    expect(made(PRO, asked)).toMatch(/Expected WIDTHxHEIGHT/)
  })

  test('has no shape for a ratio that it does not make', () => {
    expect(['auto', '1280x720', '344x192'].map(geminiShape)).toEqual([undefined, undefined, undefined])
  })
})

describe('Workers AI', () => {
  const KLEIN = '@cf/black-forest-labs/flux-2-klein-4b'

  test.each(['256x256', '1920x1920', '777x333', 'auto'])('makes %s', (asked) => {
    expect(fitted(KLEIN, asked)).toEqual({ size: asked })
  })

  test.each([
    ['3840x2160', '1920x1080'],
    ['2048x2048', '1920x1920'],
    ['128x256', '256x512'],
  ])('scales %s to %s', (asked, size) => {
    expect(fitted(KLEIN, asked)).toMatchObject({ size, refusal: { param: 'size' } })
  })

  test('refuses a size that no scaling fits', () => {
    expect(made(KLEIN, '4000x100')).toBe(
      "Invalid size '4000x100'. Width and height must both be from 256 to 1920 pixels.",
    )
  })

  test('has one size for a model without a choice', () => {
    const model = '@cf/black-forest-labs/flux-1-schnell'
    expect(made(model, '1024x1024')).toBe('1024x1024')
    expect(made(model, '512x512')).toBe('1024x1024')
    expect(made(model, '1536x1024')).toMatch(/Supported values are: '1024x1024' and 'auto'\.$/)
  })
})

describe('gpt-image-1.5', () => {
  const supported = "Supported values are: '1024x1024', '1024x1536', '1536x1024', and 'auto'."

  test.each([
    ['1080x1080', '1024x1024'],
    ['1080x1920', '1024x1536'],
    ['1200x630', '1536x1024'],
    ['1200x675', '1536x1024'],
    ['1200x627', '1536x1024'],
    ['1792x1024', '1536x1024'],
    ['256x256', '1024x1024'],
    ['3840x2160', '1536x1024'],
  ])('makes %s as %s, its nearest size', (asked, size) => {
    const refusal = { message: `Invalid value: '${asked}'. ${supported}`, param: 'size' }
    expect(fitted('gpt-image-1.5', asked)).toMatchObject({ size, refusal })
  })

  test.each([
    ['too long', '3000x1000'],
    ['too tall', '1000x2000'],
    ['too small', '9x9'],
    ['no size', 'bogus'],
  ])('refuses %s, far from each size: %s', (_, asked) => {
    expect(made('gpt-image-1.5', asked)).toBe(`Invalid value: '${asked}'. ${supported}`)
  })
})

describe('gpt-image-2', () => {
  test.each([
    ['256x256', '816x816'],
    ['512x512', '816x816'],
    ['64x64', '816x816'],
    ['300x100', '1408x480'],
    ['768x256', '1408x480'],
    ['4096x4096', '2880x2880'],
    ['7680x4320', '3840x2160'],
    ['3841x2160', '3840x2160'],
    ['12000x4000', '3840x1280'],
  ])('makes %s, out of its bounds, as %s', (asked, size) => {
    expect(fitted('gpt-image-2', asked)).toMatchObject({ size, refusal: { param: 'size' } })
  })

  test.each(['9x9', '1000x300', '100000x100000'])('refuses %s', (asked) => {
    expect(fitted('gpt-image-2', asked)).not.toHaveProperty('size')
  })

  test.each([
    ['1080x1080', '1088x1088'],
    ['1080x1920', '1088x1920'],
    ['1200x630', '1200x624'],
    ['1200x675', '1200x672'],
    ['1200x627', '1200x624'],
  ])('makes %s as %s, in its steps', (asked, size) => {
    expect(fitted('gpt-image-2', asked)).toMatchObject({
      size,
      refusal: { message: `Invalid size '${asked}'. Width and height must both be divisible by 16.` },
    })
  })
})

describe('a model without a size parameter', () => {
  const sizes = { kind: 'listed', sizes: [] } as const
  const left = (size: string): ReturnType<typeof inWords> =>
    inWords(fitSize(asking('flux-pro-1.0-fill', { size }), sizes, true))

  test.each(['1024x1024', '3000x10', '16:9', '1:8 2K', '2K'])('makes its own size in place of %s', (asked) => {
    expect(left(asked)).toEqual({
      size: 'auto',
      refusal: expect.objectContaining({ message: `Invalid value: '${asked}'. Supported values are: 'auto'.` }),
    })
  })

  test.each(['auto', '1K'])('gets no size for %s', (asked) => {
    expect(left(asked)).toEqual({ size: 'auto' })
  })

  test('refuses a size of another form', () => {
    expect(left('big')).not.toHaveProperty('size')
  })
})

test('an unknown model takes any size in pixels', () => {
  expect(['777x333', '9x9', 'big', 'auto'].map((size) => fitted('unheard-of', size))).toEqual([
    { size: '777x333' },
    { size: '9x9' },
    { size: 'big' },
    { size: 'auto' },
  ])
})
