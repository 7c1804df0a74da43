import type { Usage } from '../image/record'
import { DEFAULTS, type ImageRequestOf } from '../image/request'
import type { Model } from './model'
import { inMicroUsd } from './money'
import { imagePrice, type Prices, type TilePrices } from './prices'
import { type Pixels, pixelsOf, type Sizes } from './sizes'
import { BASES_2, byFormula, type TokenCount } from './tokens'

/** The quality that `auto` is quoted as, because a model may choose it. */
export const AUTO_QUALITY = 'high'

/**
 * The highest expected price of a request in whole micro-USD, at an upstream's own prices or the model's.
 * Undefined without a price. A model without token counts uses the counts of the most expensive one.
 */
export function quote(
  request: ImageRequestOf<unknown>,
  model: Model,
  prices: Prices | undefined = model.prices,
): number | undefined {
  // The billing of SVG is not known (protocols §11).
  if (!prices || request.format === 'svg') return undefined
  const quality = request.quality === DEFAULTS.quality ? AUTO_QUALITY : request.quality
  return Math.ceil(withoutNoise(unroundedPrice({ ...request, quality }, model, prices)))
}

/** The measured result of a request. */
export interface ActualUse {
  usage?: Usage | undefined
  /** The number of delivered images. */
  images: number
  /** The real values, if known. */
  size?: string | undefined
  quality?: string | undefined
}

/**
 * The price of a finished request, in whole micro-USD.
 * Prices per token use the upstream's usage. Otherwise, or without output tokens, the price is the delivered share of
 * the quote.
 */
export function cost(
  { usage, images, size, quality }: ActualUse,
  request: ImageRequestOf<unknown>,
  model: Model,
  prices: Prices | undefined = model.prices,
): number | undefined {
  if (usage && usage.output > 0 && prices?.per === 'token') return costOfUsage(usage, request, model, prices)
  // The request's own words price it. Upstreams may use other words.
  const known = {
    size: request.size === DEFAULTS.size ? (size ?? request.size) : request.size,
    quality: request.quality === DEFAULTS.quality ? (quality ?? request.quality) : request.quality,
  }
  const quoted = quote({ ...request, ...known }, model, prices)
  return quoted === undefined ? undefined : Math.round((quoted * images) / request.n)
}

/** The price of reported tokens in whole micro-USD; undefined without tokens, or at prices of another kind. */
export function costOfUsage(
  usage: Usage,
  request: Pick<ImageRequestOf<unknown>, 'operation'>,
  model: Model,
  prices: Prices | undefined = model.prices,
): number | undefined {
  if (prices?.per !== 'token' || usage.input + usage.output === 0) return undefined
  return Math.round(withoutNoise(tokenPrice(usedTokens(usage, request), prices)))
}

/** The most that a charge may exceed its quote. A relay with one price for all images may exceed a low quote. */
const MAX_OVER_QUOTE = 20

/** A charge that an upstream reports, as far as it is believed; amounts are in micro-USD. */
export interface BelievedCharge {
  cost: number | undefined
  /** Whether the upstream reported more, so that the cost is only an estimate. */
  isCapped: boolean
}

/** The believed part of a reported charge. Without a quote, a charge is believed. */
export function believed(charge: number | undefined, quoted: number | undefined): BelievedCharge {
  const most = (quoted ?? Infinity) * MAX_OVER_QUOTE
  return charge !== undefined && charge > most ? { cost: most, isCapped: true } : { cost: charge, isCapped: false }
}

/** Removes the noise of floating point, so that 33600.000000000004 is not rounded up. */
const withoutNoise = (microUsd: number): number => Number(microUsd.toFixed(6))

/** In micro-USD, not rounded. */
function unroundedPrice(
  request: ImageRequestOf<unknown>,
  { tokens = byFormula(BASES_2), sizes }: Model,
  prices: Prices,
): number {
  const { n, quality, size } = request
  switch (prices.per) {
    case 'token':
      return tokenPrice(tokens(request), prices)
    case 'image':
      return inMicroUsd(n * (imagePrice(prices.each, quality, size) + request.images.length * (prices.input ?? 0)))
    case 'tile':
      return inMicroUsd(n * tilePrice(request, sizes, prices))
    case 'megapixel': {
      const further = Math.max(0, Math.ceil(megapixels(largest(size, sizes))) - 1)
      // Input pictures are at most 512x512 (protocols §4), so each counts as one megapixel.
      return inMicroUsd(n * (prices.first + further * prices.further + request.images.length * prices.input))
    }
  }
}

const tokenPrice = (
  { textIn, imageIn, textOut, imageOut }: TokenCount,
  prices: Extract<Prices, { per: 'token' }>,
): number => textIn * prices.textIn + imageIn * prices.imageIn + textOut * prices.textOut + imageOut * prices.imageOut

/**
 * Splits usage into text and images. Without details that add up, input counts as images for an edit and as text
 * otherwise; output counts as images.
 */
function usedTokens(
  { input, inputDetails, output, outputDetails }: Usage,
  { operation }: Pick<ImageRequestOf<unknown>, 'operation'>,
): TokenCount {
  const addUp = (details: Usage['inputDetails'], sum: number): Usage['inputDetails'] =>
    details && details.text + details.image === sum ? details : undefined
  const asAsked = operation === 'edit' ? { text: 0, image: input } : { text: input, image: 0 }
  const ins = addUp(inputDetails, input) ?? asAsked
  const outs = addUp(outputDetails, output) ?? { text: 0, image: output }
  return { textIn: ins.text, imageIn: ins.image, textOut: outs.text, imageOut: outs.image }
}

/** USD for one image. An input picture is at most one tile (protocols §4). */
function tilePrice(request: ImageRequestOf<unknown>, sizes: Sizes, prices: TilePrices): number {
  const { steps = prices.steps } = request.extras
  const taken = typeof steps === 'number' ? steps : prices.steps
  const tiles = tilesOf(largest(request.size, sizes)) * prices.tile + request.images.length * prices.inputTile
  return tiles * (prices.tilesCount === 'once' ? 1 : taken) + taken * prices.step
}

const TILE = 512
const tilesOf = ({ width, height }: Pixels): number => Math.ceil(width / TILE) * Math.ceil(height / TILE)
const megapixels = ({ width, height }: Pixels): number => (width * height) / (1024 * 1024)

/** The pixels of a size. `auto` takes the model's default size, or 1024x1024. */
const largest = (size: string, sizes: Sizes): Pixels =>
  pixelsOf(size) ?? pixelsOf(sizes.kind === 'range' ? sizes.auto : '') ?? { width: 1024, height: 1024 }
