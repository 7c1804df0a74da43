import type { Model } from './model'
import type { Prices } from './prices'
import { PROMPT_ONLY } from './prompt-only'
import { ratioNamed, shaped, shapesOf } from './ratios'

/** The ratios of FLUX.3 (protocols §6.2). */
const RATIOS = ['1:1', '21:9', '2:1', '16:9', '3:2', '7:5', '4:3', '5:4']
const PORTRAIT_RATIOS = ['4:5', '3:4', '5:7', '2:3', '9:16', '1:2', '9:21']

/** The resolutions by the factors of their edges. 768 squared is that of 0.75. */
const RESOLUTIONS = new Map([
  [0.75, '768sq'],
  [1, '1k'],
  [1.5, '1.5k'],
  [2, '2k'],
  [4, '4k'],
])

/** The pixels of a ratio are not documented, so the usual area is assumed. */
const FLUX_3_SIZES = shaped(shapesOf([...RATIOS, ...PORTRAIT_RATIOS]), [...RESOLUTIONS.keys()])

/** The price at 1k in USD, which is the resolution of `auto`. */
const AUTO_PRICE = 0.048

/** Prices by resolution in USD (protocols §6.2). Those above 1k come from a relay at 80 %. */
const PRICES = new Map([
  [0.75, 0.041],
  [1, AUTO_PRICE],
  [1.5, 0.07],
  [2, 0.1],
  [4, 0.607],
])

/** FLUX.3 image (protocols §6.2), at its maker and at resellers. */
export const FLUX_3: Model = {
  ...PROMPT_ONLY,
  sizes: FLUX_3_SIZES,
  formats: ['png', 'jpeg'],
  moderations: ['auto', 'low'],
  maxInputs: 10,
}

/** The prices of the maker, and of resellers with the same ones. */
export const FLUX_3_PRICES: Prices = {
  per: 'image',
  each: {
    auto: AUTO_PRICE,
    ...Object.fromEntries(
      [...PRICES].flatMap(([scale, price]) =>
        FLUX_3_SIZES.shapes.map(({ width, height }) => [`${width * scale}x${height * scale}`, price]),
      ),
    ),
  },
}

/** The most lenient tolerance of FLUX.3, from 0. */
export const FLUX_3_TOLERANCE = 4

/** The ratio and the resolution of a size by FLUX.3's own names. */
export function flux3Fields(size: string): { aspect_ratio?: string; resolution?: string } {
  const shape = ratioNamed(size, FLUX_3_SIZES)
  const resolution = shape && RESOLUTIONS.get(shape.scale)
  return shape && resolution ? { aspect_ratio: shape.ratio, resolution } : {}
}
