import { describe, expect, test } from 'vitest'
import { geminiShape } from '../../src/catalog/gemini-sizes'
import { fitSize } from '../../src/catalog/sizes'
import { catalogue } from './requests'

/** The size made in place of an asked one, or the sentence with which it is refused. */
function made(model: string, asked: string): string {
  const fitting = fitSize(asked, catalogue(model).sizes)
  return 'size' in fitting ? fitting.size : fitting.refusal.message
}

const PRO = 'gemini-3-pro-image'

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
  ])('makes %s at 1K, 2K and 4K', (ratio, ...sizes) => {
    expect(sizes.map((size) => fitSize(size, catalogue(PRO).sizes))).toEqual(sizes.map((size) => ({ size })))
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
    [PRO, '1280x1024', '1200x896'],
    [PRO, '2900x1000', '3168x1344'],
    ['gemini-3.1-flash-lite-image', '3840x2160', '1376x768'],
  ])('%s adapts %s to %s, the nearest ratio and resolution', (model, asked, size) => {
    expect(fitSize(asked, catalogue(model).sizes)).toMatchObject({
      size,
      refusal: { message: `Invalid size '${asked}'. The nearest that this model makes is ${size}.` },
    })
  })

  test.each(['3000x1000', '1000x2400', '64x4096'])('refuses %s, too far from every ratio', (asked) => {
    expect(made(PRO, asked)).toMatch(
      /The aspect ratio must be near one of 1:1, 21:9, 16:9, 3:2, 4:3, 9:16, 2:3, 3:4\.$/,
    )
  })

  test.each([['16:9'], ['big'], ['0x100']])('takes %s for no size', (asked) => {
    expect(made(PRO, asked)).toMatch(/Expected WIDTHxHEIGHT/)
  })

  test('has no shape for what it does not make', () => {
    expect(['auto', '1280x720', '688x384'].map(geminiShape)).toEqual([undefined, undefined, undefined])
  })
})

describe('Workers AI', () => {
  const KLEIN = '@cf/black-forest-labs/flux-2-klein-4b'

  test.each(['256x256', '1920x1920', '777x333', 'auto'])('makes %s', (asked) => {
    expect(fitSize(asked, catalogue(KLEIN).sizes)).toEqual({ size: asked })
  })

  test.each([
    ['3840x2160', '1920x1080'],
    ['2048x2048', '1920x1920'],
    ['128x256', '256x512'],
  ])('scales %s to %s', (asked, size) => {
    expect(fitSize(asked, catalogue(KLEIN).sizes)).toMatchObject({ size, refusal: { param: 'size' } })
  })

  test('refuses what no scaling makes fit', () => {
    expect(made(KLEIN, '4000x100')).toBe(
      "Invalid size '4000x100'. Width and height must both be from 256 to 1920 pixels.",
    )
  })

  test('has one size for the model that lets none be chosen', () => {
    const model = '@cf/black-forest-labs/flux-1-schnell'
    expect(made(model, '1024x1024')).toBe('1024x1024')
    expect(made(model, '512x512')).toMatch(/Supported values are: '1024x1024' and 'auto'\.$/)
  })
})
