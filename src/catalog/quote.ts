import type { Usage } from '../image/record'
import { DEFAULTS, type ImageRequest } from '../image/request'
import type { Model } from './model'
import { inMicroUsd } from './money'
import { imagePrice, type Prices, type TilePrices } from './prices'
import { type Pixels, pixelsOf, type Sizes } from './sizes'
import { BASES_2, byFormula, type TokenCount } from './tokens'

/** What `auto` is quoted as, since a model may choose it. */
const AUTO_QUALITY = 'high'

/**
 * What a request is expected to cost at most, in whole micro-USD, at an upstream's own prices or the model's; undefined
 * where no price is known. A model whose tokens nobody has counted is taken for the one that uses the most.
 */
export function quote(
  request: ImageRequest,
  model: Model,
  prices: Prices | undefined = model.prices,
): number | undefined {
  // How an SVG is billed is not known (protocols §11).
  if (!prices || request.format === 'svg') return undefined
  const quality = request.quality === DEFAULTS.quality ? AUTO_QUALITY : request.quality
  return Math.ceil(withoutNoise(unroundedPrice({ ...request, quality }, model, prices)))
}

/** What has come of a request. */
export interface ActualUse {
  usage?: Usage | undefined
  /** How many images arrived. */
  images: number
  /** What was really used, where it is known. */
  size?: string | undefined
  quality?: string | undefined
}

/**
 * What a request has cost, in whole micro-USD: by the upstream's own usage where prices are per token, and otherwise the
 * share of the quote that its images are of those asked for: so too where a relay reports that no token came out.
 */
export function cost(
  { usage, images, size, quality }: ActualUse,
  request: ImageRequest,
  model: Model,
  prices: Prices | undefined = model.prices,
): number | undefined {
  if (usage && usage.output > 0 && prices?.per === 'token')
    return Math.round(withoutNoise(tokenPrice(usedTokens(usage, request), prices)))
  // What was asked for is what was agreed; upstreams have words of their own for it.
  const known = {
    size: request.size === DEFAULTS.size ? (size ?? request.size) : request.size,
    quality: request.quality === DEFAULTS.quality ? (quality ?? request.quality) : request.quality,
  }
  const quoted = quote({ ...request, ...known }, model, prices)
  return quoted === undefined ? undefined : Math.round((quoted * images) / request.n)
}

/** Without what floating point adds in the last digits, so that 33600.000000000004 is not rounded up. */
const withoutNoise = (microUsd: number): number => Number(microUsd.toFixed(6))

/** In micro-USD, not rounded. */
function unroundedPrice(request: ImageRequest, { tokens = byFormula(BASES_2), sizes }: Model, prices: Prices): number {
  const { n, quality, size } = request
  switch (prices.per) {
    case 'token':
      return tokenPrice(tokens(request), prices)
    case 'image':
      return inMicroUsd(n * imagePrice(prices.each, quality, size))
    case 'tile':
      return inMicroUsd(n * tilePrice(request, sizes, prices))
    case 'megapixel': {
      const further = Math.max(0, Math.ceil(megapixels(largest(size, sizes))) - 1)
      // No picture that comes with a request is larger than 512x512 (protocols §4); each counts as one.
      return inMicroUsd(n * (prices.first + further * prices.further + request.images.length * prices.input))
    }
  }
}

const tokenPrice = (
  { textIn, imageIn, textOut, imageOut }: TokenCount,
  prices: Extract<Prices, { per: 'token' }>,
): number => textIn * prices.textIn + imageIn * prices.imageIn + textOut * prices.textOut + imageOut * prices.imageOut

/**
 * What an upstream does not tell apart, or does so in numbers that do not add up, is text on its way in, but pictures where
 * they are edited; and pictures on its way out.
 */
function usedTokens({ input, inputDetails, output, outputDetails }: Usage, { operation }: ImageRequest): TokenCount {
  const addUp = (details: Usage['inputDetails'], sum: number): Usage['inputDetails'] =>
    details && details.text + details.image === sum ? details : undefined
  const asAsked = operation === 'edit' ? { text: 0, image: input } : { text: input, image: 0 }
  const ins = addUp(inputDetails, input) ?? asAsked
  const outs = addUp(outputDetails, output) ?? { text: 0, image: output }
  return { textIn: ins.text, imageIn: ins.image, textOut: outs.text, imageOut: outs.image }
}

/** In USD for one image; each picture that comes with it is a tile, since none is larger than one (protocols §4). */
function tilePrice(request: ImageRequest, sizes: Sizes, prices: TilePrices): number {
  const { steps = prices.steps } = request.extras
  const taken = typeof steps === 'number' ? steps : prices.steps
  const tiles = tilesOf(largest(request.size, sizes)) * prices.tile + request.images.length * prices.inputTile
  return tiles * (prices.tilesCount === 'once' ? 1 : taken) + taken * prices.step
}

const TILE = 512
const tilesOf = ({ width, height }: Pixels): number => Math.ceil(width / TILE) * Math.ceil(height / TILE)
const megapixels = ({ width, height }: Pixels): number => (width * height) / (1024 * 1024)

/** The pixels of a size, or of the one made where none is asked for: 1024x1024, unless the model has another. */
const largest = (size: string, sizes: Sizes): Pixels =>
  pixelsOf(size) ?? pixelsOf(sizes.kind === 'range' ? sizes.auto : '') ?? { width: 1024, height: 1024 }
