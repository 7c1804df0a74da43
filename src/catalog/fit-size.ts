import type { SizeFault } from '../failures/refusal'
import { refusing } from '../failures/refuse'
import type { Failure } from '../failures/errors'
import type { ImageRequest } from '../image/request'
import { fitFreeShape, fitFreeSize, isLargestFree } from './free-sizes'
import { isLargestOf, listedChoice, nearestShape, nearestSize, shapedChoice } from './nearest-sizes'
import { fitRangeShape, fitRangeSize } from './range-sizes'
import { USUAL_RATIOS, usualSize } from './shape-table'
import { type AskedResolution, parseShape, resolutionOf } from './shapes'
import { type Pixels, pixelsOf, type Sizes, sizeText, type Verdict } from './sizes'

/** A size for the model, with a refusal if it differs from the request's; or only the refusal. */
export type SizeFitting = { size: string; refusal?: Failure } | { refusal: Failure }

/** Whether one size can be cropped out of another, both as `WIDTHxHEIGHT`. */
export function isWithin(size: string, larger: string): boolean {
  const [inner, outer] = [pixelsOf(size), pixelsOf(larger)]
  return inner !== undefined && outer !== undefined && inner.width <= outer.width && inner.height <= outer.height
}

/** Whether a model makes no larger size of the shape of one that it makes, as `WIDTHxHEIGHT`. */
export function isLargest(size: string, sizes: Sizes): boolean {
  const made = pixelsOf(size)
  if (!made) return false
  switch (sizes.kind) {
    case 'free':
      return isLargestFree(made)
    case 'range':
      return Math.max(made.width, made.height) >= sizes.max
    case 'listed':
      return isLargestOf(made, listedChoice(sizes.sizes))
    case 'shaped':
      return isLargestOf(made, shapedChoice(sizes.shapes, sizes.scales))
    case 'unknown':
      return false
  }
}

/**
 * Fits a size in pixels or a shape to a model. The result is `auto` or in pixels.
 * If the result can be cropped, it is too large rather than too small. Most clients send a size, so a model without
 * sizes gets `auto`.
 */
export function fitSize(
  { size, operation }: Pick<ImageRequest, 'size' | 'operation'>,
  sizes: Sizes,
  canCrop: boolean,
): SizeFitting {
  if (size === 'auto') return { size }
  const shape = parseShape(size)
  // 1K is the resolution of `auto`.
  if (shape && !shape.ratio && shape.resolution === '1K') return { size: 'auto' }
  if (isNoChoice(sizes) && (shape || pixelsOf(size)))
    return { size: 'auto', refusal: refusing({ reason: 'no_choice_of_size', field: 'size', given: size }) }
  if (!shape) return fitPixels(size, sizes, canCrop)
  const { ratio, resolution } = shape
  if (ratio) return fittingOf(size, shapeVerdict(ratio, resolution, sizes))
  return fitResolution(size, resolution, operation, sizes)
}

const isNoChoice = (sizes: Sizes): boolean => sizes.kind === 'listed' && sizes.sizes.length === 0

const invalidSize = (given: string, fault: SizeFault): Failure =>
  refusing({ reason: 'invalid_size', field: 'size', given, fault })

function fittingOf(asked: string, { fault, nearest }: Verdict, refuse = invalidSize): SizeFitting {
  const size = nearest && sizeText(nearest)
  if (fault === undefined) return { size: size ?? asked }
  const refusal = refuse(asked, fault)
  return size ? { size, refusal } : { refusal }
}

function fitPixels(asked: string, sizes: Sizes, canCrop: boolean): SizeFitting {
  if (sizes.kind === 'unknown') return { size: asked }
  const refuse = sizes.kind === 'listed' ? notListed(sizes.sizes) : invalidSize
  const pixels = pixelsOf(asked)
  if (!pixels) return { refusal: refuse(asked, { is: 'not_pixels' }) }
  return fittingOf(asked, pixelVerdict(pixels, sizes, canCrop), refuse)
}

const notListed =
  (listed: readonly string[]) =>
  (given: string): Failure =>
    refusing({ reason: 'invalid_value', field: 'size', given, allowed: [...listed, 'auto'] })

function pixelVerdict(asked: Pixels, sizes: Exclude<Sizes, { kind: 'unknown' }>, canCrop: boolean): Verdict {
  switch (sizes.kind) {
    case 'free':
      return fitFreeSize(asked, canCrop)
    case 'range':
      return fitRangeSize(asked, sizes)
    case 'listed':
      return nearestSize(asked, listedChoice(sizes.sizes))
    case 'shaped':
      return nearestSize(asked, shapedChoice(sizes.shapes, sizes.scales))
  }
}

function shapeVerdict(ratio: Pixels, resolution: AskedResolution, sizes: Sizes): Verdict {
  switch (sizes.kind) {
    case 'free':
      return fitFreeShape(ratio, resolution)
    case 'range':
      return fitRangeShape(ratio, resolution, sizes)
    case 'listed':
      return nearestShape(ratio, resolution, listedChoice(sizes.sizes))
    case 'shaped':
      return nearestShape(ratio, resolution, shapedChoice(sizes.shapes, sizes.scales))
    case 'unknown':
      return usually(ratio, resolution)
  }
}

/** An unknown model is most likely behind OpenAI's API, which has no shapes. */
function usually(ratio: Pixels, resolution: AskedResolution): Verdict {
  const nearest = usualSize(ratio, resolution === '512' ? '1K' : resolution)
  return { fault: { is: 'sizes_unknown', ratios: nearest ? [] : [...USUAL_RATIOS] }, nearest }
}

const SQUARE_RATIO: Pixels = { width: 1, height: 1 }

/**
 * A resolution without a ratio, which Gemini's API takes. Gemini makes a square, or keeps the ratio of an edited
 * picture. That ratio is unknown here, so an edit gets `auto`.
 */
function fitResolution(
  asked: string,
  resolution: AskedResolution,
  operation: ImageRequest['operation'],
  sizes: Sizes,
): SizeFitting {
  if (operation === 'edit') return { size: 'auto', refusal: invalidSize(asked, { is: 'ratio_missing' }) }
  const verdict = shapeVerdict(SQUARE_RATIO, resolution, sizes)
  const { fault, nearest } = verdict
  if (fault !== undefined && (!nearest || resolutionOf(nearest) === '1K'))
    return { size: 'auto', refusal: invalidSize(asked, fault) }
  return fittingOf(asked, verdict)
}
