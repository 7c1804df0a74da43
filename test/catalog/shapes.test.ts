import { describe, expect, test } from 'vitest'
import { fitSize } from '../../src/catalog/fit-size'
import { catalogueOf } from '../../src/upstreams/catalogue'
import { parseShape, shapeText } from '../../src/catalog/shapes'
import { type Pixels, pixelsOf } from '../../src/catalog/sizes'
import type { ImageRequest } from '../../src/image/request'
import { asking, catalogue, inWords } from './requests'

const fitted = (model: string, said: Partial<ImageRequest>, known = catalogue): ReturnType<typeof inWords> =>
  inWords(fitSize(asking(model, said), known(model).sizes, false))

/** The size made for a shape, with `~` where it only comes near, or the reason of the refusal. */
function made(model: string, size: string, operation: ImageRequest['operation'] = 'generate'): string {
  const fitting = fitted(model, { size, operation })
  if (!('size' in fitting)) return fitting.refusal.message.replace(`Invalid size '${size}'. `, '')
  return `${fitting.refusal ? '~' : ''}${fitting.size}`
}

const turned = (text: string): string => text.replace(/(\d+)([x:])(\d+)/, '$3$2$1')
const RESOLUTIONS = ['512', '1K', '2K', '4K']

/** Checks the sizes of a ratio and of its upright form at 512, 1K, 2K and 4K, and the default. */
function expectMade(model: string, ratio: string, sizes: string[]): void {
  const asked = RESOLUTIONS.map((resolution) => `${ratio} ${resolution}`)
  expect(asked.map((size) => made(model, size))).toEqual(sizes)
  expect(asked.map((size) => made(model, turned(size)))).toEqual(sizes.map(turned))
  expect(made(model, ratio)).toBe(sizes[1])
}

const UPRIGHT_TOO = '%s and upright: %s at 512, %s at 1K, %s at 2K, %s at 4K'

describe('gpt-image-2 makes the sizes that relays list', () => {
  test.each([
    ['1:1', '~1024x1024', '1024x1024', '2048x2048', '2880x2880'],
    ['16:9', '~1280x720', '1280x720', '2048x1152', '3840x2160'],
    ['5:4', '~1040x832', '1040x832', '2080x1664', '3200x2560'],
    ['4:3', '~1024x768', '1024x768', '2048x1536', '3264x2448'],
    ['3:2', '~1008x672', '1008x672', '2064x1376', '3504x2336'],
    ['21:9', '~1344x576', '1344x576', '2016x864', '3808x1632'],
    ['7:3', '~1344x576', '1344x576', '2016x864', '3808x1632'],
  ])(UPRIGHT_TOO, (ratio, ...sizes) => expectMade('gpt-image-2', ratio, sizes))
})

describe('gpt-image-2 makes any other ratio up to three to one', () => {
  test.each([
    ['2:1', '~1440x720', '1440x720', '2912x1456', '3840x1920'],
    ['3:1', '~1776x592', '1776x592', '3552x1184', '3840x1280'],
    ['7:5', '~1216x864', '1216x864', '2416x1728', '3408x2432'],
    // The nearest steps, 3248x2560, would have too many pixels.
    ['81:64', '~1152x912', '1152x912', '2304x1824', '3216x2544'],
  ])(UPRIGHT_TOO, (ratio, ...sizes) => expectMade('gpt-image-2.6-flare', ratio, sizes))

  test.each(['4:1', '1:4', '8:1 4K', '1:8 512', '301:100'])('gpt-image-2 does not make %s', (size) => {
    expect(made('gpt-image-2', size)).toBe('The aspect ratio must be from 1:3 to 3:1.')
  })

  const upTo50 = Array.from({ length: 50 }, (_, index) => index + 1)
  const pairs = upTo50.flatMap((width) => upTo50.map((height) => ({ width, height })))
  const isLong = ({ width, height }: Pixels): boolean => Math.max(width, height) > 3 * Math.min(width, height)

  /** Whether a size keeps the rules of protocols §1.2 and the requested ratio. */
  function isRight(size: Pixels | undefined, ratio: Pixels): boolean {
    if (!size || size.width % 16 || size.height % 16 || Math.max(size.width, size.height) > 3840) return false
    const [area, off] = [size.width * size.height, (size.width * ratio.height) / (size.height * ratio.width)]
    return area >= 655_360 && area <= 8_294_400 && !isLong(size) && off > 0.98 && off < 1.02
  }

  test.each(['1K', '2K', '4K'])('the size stays in bounds and within two per cent of the ratio: %s', (resolution) => {
    const sizeOf = ({ width, height }: Pixels) => pixelsOf(made('gpt-image-2', `${width}:${height} ${resolution}`))
    expect(pairs.filter((ratio) => isRight(sizeOf(ratio), ratio) === isLong(ratio))).toEqual([])
  })
})

describe('Gemini', () => {
  test.each([
    ['1:1', '~1024x1024', '1024x1024', '2048x2048', '4096x4096'],
    ['16:9', '~1376x768', '1376x768', '2752x1536', '5504x3072'],
    ['3:2', '~1264x848', '1264x848', '2528x1696', '5056x3392'],
    ['4:3', '~1200x896', '1200x896', '2400x1792', '4800x3584'],
    ['5:4', '~1152x928', '1152x928', '2304x1856', '4608x3712'],
    ['2:1', '~1376x768', '~1376x768', '~2752x1536', '~5504x3072'],
    ['7:5', '~1200x896', '~1200x896', '~2400x1792', '~4800x3584'],
  ])(UPRIGHT_TOO, (ratio, ...sizes) => expectMade('gemini-3-pro-image', ratio, sizes))

  test.each([
    ['4:1', '~2048x512', '2048x512', '4096x1024', '8192x2048'],
    ['8:1', '~3072x384', '3072x384', '6144x768', '12288x1536'],
  ])(UPRIGHT_TOO, (ratio, ...sizes) => expectMade('gemini-nano-banana-2.1', ratio, sizes))

  test.each([
    ['gemini-3-pro-image', '21:9 4K', '6336x2688'],
    ['gemini-3.1-flash-image', '16:9 512', '688x384'],
    ['gemini-3.1-flash-image', '512', '512x512'],
    ['gemini-nano-banana-2.1', '16:9 512', '~1376x768'],
    ['gemini-3.1-flash-lite-image', '21:9', '1584x672'],
    ['gemini-3.1-flash-lite-image', '21:9 2K', '~1584x672'],
    ['gemini-3.1-flash-lite-image', '16:9 4K', '~1376x768'],
  ])('%s makes %s as %s', (model, size, pixels) => {
    expect(made(model, size)).toBe(pixels)
  })

  test.each(['9:21', '3:1', '4:1', '1:8 2K'])('has no shape near %s, and lists its shapes', (size) => {
    expect(made('gemini-3-pro-image', size)).toBe(
      'The aspect ratio must be near one of 1:1, 21:9, 16:9, 3:2, 4:3, 5:4, 9:16, 2:3, 3:4, 4:5.',
    )
  })
})

describe('a model with listed sizes', () => {
  test.each([
    ['1:1', '~1024x1024', '1024x1024', '~1024x1024', '~1024x1024'],
    ['3:2', '~1536x1024', '1536x1024', '~1536x1024', '~1536x1024'],
    ['16:9', '~1536x1024', '~1536x1024', '~1536x1024', '~1536x1024'],
    ['4:3', '~1536x1024', '~1536x1024', '~1536x1024', '~1536x1024'],
    ['6:5', '~1024x1024', '~1024x1024', '~1024x1024', '~1024x1024'],
  ])(UPRIGHT_TOO, (ratio, ...sizes) => expectMade('gpt-image-1.5', ratio, sizes))

  test.each(['2:1', '1:2', '21:9 4K', '1:8'])('refuses %s, far from each size', (size) => {
    expect(made('gpt-image-1.5', size)).toBe('The aspect ratio must be near one of 1:1, 2:3, 3:2.')
  })

  test('gets the resolution where it has one', () => {
    const sizes = { kind: 'listed', sizes: ['1024x1024', '2048x2048', '1376x768', '3840x2160'] } as const
    const known = catalogueOf({ 'house-art': { sizes } })
    const shapes = ['1:1', '1:1 2K', '2K', '16:9', '16:9 4K', '16:9 2K', '4K']
    expect(shapes.map((size) => Object.values(fitted('house-art', { size }, known))[0])).toEqual([
      '1024x1024',
      '2048x2048',
      '2048x2048',
      '1376x768',
      '3840x2160',
      '3840x2160',
      '2048x2048',
    ])
  })
})

describe('Workers AI', () => {
  test.each([
    ['1:1', '512x512', '1024x1024', '~1920x1920', '~1920x1920'],
    ['16:9', '688x384', '1280x720', '~1920x1080', '~1920x1080'],
    ['5:4', '576x464', '1040x832', '~1920x1536', '~1920x1536'],
    ['21:9', '784x336', '1344x576', '~1920x823', '~1920x823'],
    ['4:1', '1024x256', '~1920x480', '~1920x480', '~1920x480'],
    ['7:1', '~1792x256', '~1920x274', '~1920x274', '~1920x274'],
    ['15:2', '~1920x256', '~1920x256', '~1920x256', '~1920x256'],
  ])(UPRIGHT_TOO, (ratio, ...sizes) => expectMade('@cf/black-forest-labs/flux-2-dev', ratio, sizes))

  test('makes 2K where its edges may be that long', () => {
    expect(made('@cf/leonardo/phoenix-1.0', '16:9 2K')).toBe('2048x1152')
  })

  test('refuses a ratio that no two of its edges have', () => {
    expect(made('@cf/black-forest-labs/flux-2-dev', '8:1')).toBe('The aspect ratio must be from 1:7.5 to 7.5:1.')
  })
})

describe('an unknown model', () => {
  test.each([
    ['1:1', '~1024x1024', '~1024x1024', '~2048x2048', '~2880x2880'],
    ['16:9', '~1280x720', '~1280x720', '~2048x1152', '~3840x2160'],
    ['21:9', '~1344x576', '~1344x576', '~2016x864', '~3808x1632'],
  ])(UPRIGHT_TOO, (ratio, ...sizes) => expectMade('unheard-of', ratio, sizes))

  test.each(['2:1', '1:8 4K'])('gets no request for %s', (size) => {
    expect(made('unheard-of', size)).toMatch(
      /ask for WIDTHxHEIGHT, or one of the aspect ratios 1:1, 5:4, 4:5, .*9:21\.$/,
    )
  })
})

describe('a resolution without a ratio', () => {
  test.each([
    ['gpt-image-2', '~auto', 'auto', '2048x2048', '2880x2880'],
    ['gpt-image-1.5', '~auto', 'auto', '~auto', '~auto'],
    ['gemini-3-pro-image', '~auto', 'auto', '2048x2048', '4096x4096'],
    ['gemini-3.1-flash-lite-image', '~auto', 'auto', '~auto', '~auto'],
    ['@cf/black-forest-labs/flux-2-dev', '512x512', 'auto', '~1920x1920', '~1920x1920'],
    ['unheard-of', '~auto', 'auto', '~2048x2048', '~2880x2880'],
  ])('is a square with %s: %s, %s, %s, %s', (model, ...sizes) => {
    expect(RESOLUTIONS.map((size) => made(model, size))).toEqual(sizes)
  })

  test.each(['gpt-image-2', 'gpt-image-1.5', 'gemini-3-pro-image', 'unheard-of'])(
    'leaves an edit with %s uncropped',
    (model) => {
      expect(RESOLUTIONS.map((size) => made(model, size, 'edit'))).toEqual(['~auto', 'auto', '~auto', '~auto'])
    },
  )
})

test.each([
  ['gpt-image-2', '16:9 512', 'The resolution must be 1K, 2K or 4K.'],
  ['gpt-image-1.5', '16:9', 'The nearest that this model makes is 1536x1024. Its aspect ratios are 1:1, 2:3, 3:2.'],
  ['gpt-image-1.5', '3:2 2K', 'The nearest that this model makes is 1536x1024.'],
  ['gemini-3-pro-image', '1:1 512', 'The nearest that this model makes is 1024x1024.'],
  ['@cf/black-forest-labs/flux-2-dev', '1:1 2K', 'Width and height must both be from 256 to 1920 pixels.'],
  ['unheard-of', '1:1', 'The sizes of this model are not known here: ask for WIDTHxHEIGHT.'],
])('a strict request is refused for %s at %s: %s', (model, size, message) => {
  expect(fitted(model, { size })).toMatchObject({
    refusal: { code: 'unsupported_parameter', param: 'size', message: `Invalid size '${size}'. ${message}` },
  })
})

test('a shape is parsed in its own spelling only', () => {
  expect(parseShape(shapeText({ ratio: '16:9', resolution: '2K' }))).toEqual({
    ratio: { width: 16, height: 9 },
    resolution: '2K',
  })
  expect(parseShape(shapeText({ ratio: undefined, resolution: '512' }))).toEqual({
    ratio: undefined,
    resolution: '512',
  })
  const none = ['auto', '', '1024x1024', '16:9 ', ' 2K', '2k', '0:9', '16:0', '16:9 8K', '16:92K', '1000:1', '2K 16:9']
  expect(none.filter((size) => parseShape(size))).toEqual([])
})
