import * as z from 'zod'

/** The price of a model, in USD. */
export type Prices =
  /** Per million tokens, which equals micro-USD per token. */
  | { per: 'token'; textIn: number; imageIn: number; textOut: number; imageOut: number }
  /** Per image. The keys of a table are `"quality size"`, quality or size. `input` is that of each input picture. */
  | { per: 'image'; each: number | Readonly<Record<string, number>>; input?: number }
  /** Per tile of 512x512 pixels and per step, as Workers AI counts. */
  | TilePrices
  /** Per megapixel. The first megapixel of an image has its own price. */
  | { per: 'megapixel'; first: number; further: number; input: number }

export interface TilePrices {
  per: 'tile'
  /** The price of a tile of the result. */
  tile: number
  /** The price of a tile of each input picture. */
  inputTile: number
  step: number
  /** Whether a tile is paid for once or in each step. */
  tilesCount: 'once' | 'each step'
  /** The number of steps without a value in the request, or an upper bound of it. */
  steps: number
}

/** A larger amount is a slip, and its sums would leave the whole numbers of micro-USD. */
const MAX_USD = 1_000_000
const usdAmount = z.number().nonnegative().max(MAX_USD)

const tokenPrices = z
  .strictObject({
    text_in: usdAmount.optional(),
    image_in: usdAmount.optional(),
    text_out: usdAmount.optional(),
    image_out: usdAmount.optional(),
  })
  .refine((given) => Object.keys(given).length > 0, 'needs at least one price')
  .transform(({ text_in = 0, image_in = 0, text_out = 0, image_out = 0 }): Prices => ({
    per: 'token',
    textIn: text_in,
    imageIn: image_in,
    textOut: text_out,
    imageOut: image_out,
  }))

const priceTable = z
  .record(z.string().regex(/^[^\s]+(?: [1-9]\d*x[1-9]\d*)?$/), usdAmount)
  .refine((table) => Object.keys(table).length > 0, 'needs at least one price')

const imagePrices = z
  .strictObject({ image: z.union([usdAmount, priceTable]) })
  .transform(({ image }): Prices => ({ per: 'image', each: image }))

/** Prices as settings have them: USD per million tokens, or USD per image. */
export const pricesSetting = z.union([tokenPrices, imagePrices], {
  error:
    'prices are some of text_in, image_in, text_out and image_out in USD per million tokens, or image in USD per image: ' +
    'a number, or a table by "quality", "size" or "quality size"',
})

/**
 * The price of one image in USD, by the most specific entry. For `auto` sizes without their own entry, it is the
 * dearest of the quality. A missing entry costs as much as the dearest one.
 */
export function imagePrice(each: number | Readonly<Record<string, number>>, quality: string, size: string): number {
  if (typeof each === 'number') return each
  const prices = new Map(Object.entries(each))
  const at = (key: string): number[] => [prices.get(key) ?? []].flat()
  const ofQuality = [...prices]
    .filter(([key]) => key === quality || key.startsWith(`${quality} `))
    .map(([, price]) => price)
  const found =
    size === 'auto' ? [at(`${quality} auto`), ofQuality, at('auto')] : [at(`${quality} ${size}`), at(quality), at(size)]
  return Math.max(...(found.find((entries) => entries.length > 0) ?? prices.values()))
}
