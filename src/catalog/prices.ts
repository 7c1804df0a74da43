import * as z from 'zod'

/** What a model costs, in USD. */
export type Prices =
  /** Per million tokens, which is micro-USD per token. */
  | { per: 'token'; textIn: number; imageIn: number; textOut: number; imageOut: number }
  /** Per image; a table is by `"quality size"`, quality or size. */
  | { per: 'image'; each: number | Readonly<Record<string, number>> }
  /** Per tile of 512x512 pixels and per step of computation, as Workers AI counts. */
  | TilePrices
  /** Per megapixel, of which the first of each image has a price of its own. */
  | { per: 'megapixel'; first: number; further: number; input: number }

export interface TilePrices {
  per: 'tile'
  /** Of the image. */
  tile: number
  /** Of each picture that comes with the request. */
  inputTile: number
  step: number
  /** Whether every tile is paid for once or in each step. */
  tilesCount: 'once' | 'each step'
  /** How many steps are taken, at most, where the request does not say. */
  steps: number
}

const usdAmount = z.number().nonnegative()

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

/** Prices as settings give them: USD per million tokens, or USD per image. */
export const pricesSetting = z.union([tokenPrices, imagePrices], {
  error:
    'prices are some of text_in, image_in, text_out and image_out in USD per million tokens, or image in USD per image: ' +
    'a number, or a table by "quality", "size" or "quality size"',
})

/** The price of one image in USD. What the table does not have costs as much as the dearest that it has. */
export function imagePrice(each: number | Readonly<Record<string, number>>, quality: string, size: string): number {
  if (typeof each === 'number') return each
  const prices = new Map(Object.entries(each))
  // The most specific that is known of it; of a size that the model may choose, all that it can be.
  const matching =
    size === 'auto'
      ? [...prices].filter(([key]) => key === quality || key.startsWith(`${quality} `)).map(([, price]) => price)
      : [`${quality} ${size}`, quality, size].flatMap((key) => prices.get(key) ?? []).slice(0, 1)
  return Math.max(...(matching.length > 0 ? matching : prices.values()))
}
