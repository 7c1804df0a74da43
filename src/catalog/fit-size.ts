import type { Failure } from '../errors'
import type { ImageRequest } from '../image/request'
import { freely, freelyShaped } from './free-sizes'
import { listedChoice, nearestShape, nearestSize, shapedChoice } from './nearest-sizes'
import { shapedWithin, within } from './range-sizes'
import { invalidSize, invalidValue } from './refusals'
import { USUAL_RATIOS, usualSize } from './shape-table'
import { type AskedResolution, resolutionOf, shapeOf } from './shapes'
import { type Pixels, pixelsOf, type Sizes, type Verdict, written } from './sizes'

/** A size to ask a model for, with a refusal where it is not what was asked for; or why there is none. */
export type Fitting = { size: string; refusal?: Failure } | { refusal: Failure }

/** Fits a size, be it in pixels or a shape, to what a model makes; what comes of it is `auto` or in pixels. */
export function fitSize({ size, operation }: Pick<ImageRequest, 'size' | 'operation'>, sizes: Sizes): Fitting {
  if (size === 'auto') return { size }
  const shape = shapeOf(size)
  if (!shape) return fitPixels(size, sizes)
  const { ratio, resolution } = shape
  const refuse = (why: string): Failure => invalidSize(size, why)
  if (ratio) return fittingOf(size, shapeVerdict(ratio, resolution, sizes), refuse)
  return fitResolution(size, resolution, operation, sizes)
}

function fittingOf(asked: string, { fault, nearest }: Verdict, refuse: (why: string) => Failure): Fitting {
  const size = nearest && written(nearest)
  if (fault === undefined) return { size: size ?? asked }
  return size ? { size, refusal: refuse(fault) } : { refusal: refuse(fault) }
}

function fitPixels(asked: string, sizes: Sizes): Fitting {
  if (sizes.kind === 'unknown') return { size: asked }
  const refuse = (why: string): Failure =>
    sizes.kind === 'listed' ? invalidValue('size', asked, [...sizes.sizes, 'auto']) : invalidSize(asked, why)
  const pixels = pixelsOf(asked)
  if (!pixels) return { refusal: refuse("Expected WIDTHxHEIGHT, for example '1824x1024'.") }
  return fittingOf(asked, pixelVerdict(pixels, sizes), refuse)
}

function pixelVerdict(asked: Pixels, sizes: Exclude<Sizes, { kind: 'unknown' }>): Verdict {
  switch (sizes.kind) {
    case 'free':
      return freely(asked)
    case 'range':
      return within(asked, sizes)
    case 'listed':
      return nearestSize(asked, listedChoice(sizes.sizes))
    case 'shaped':
      return nearestSize(asked, shapedChoice(sizes.shapes, sizes.scales))
  }
}

function shapeVerdict(ratio: Pixels, resolution: AskedResolution, sizes: Sizes): Verdict {
  switch (sizes.kind) {
    case 'free':
      return freelyShaped(ratio, resolution)
    case 'range':
      return shapedWithin(ratio, resolution, sizes)
    case 'listed':
      return nearestShape(ratio, resolution, listedChoice(sizes.sizes))
    case 'shaped':
      return nearestShape(ratio, resolution, shapedChoice(sizes.shapes, sizes.scales))
    case 'unknown':
      return usually(ratio, resolution)
  }
}

/** A model that nobody has heard of is most likely asked through OpenAI's API, where a shape means nothing. */
function usually(ratio: Pixels, resolution: AskedResolution): Verdict {
  const nearest = usualSize(ratio, resolution === '512' ? '1K' : resolution)
  const ratios = nearest ? '' : `, or one of the aspect ratios ${USUAL_RATIOS.join(', ')}`
  return { fault: `The sizes of this model are not known here: ask for WIDTHxHEIGHT${ratios}.`, nearest }
}

const SQUARE: Pixels = { width: 1, height: 1 }
const NO_RATIO = 'Name an aspect ratio as well: that of the picture is not known here.'

/**
 * A resolution without a ratio. Gemini, in whose API it can be asked for, then makes a square, and an edit in the ratio of
 * its picture; where that is not known, it is kept by leaving the size to the model. What is left to a model is of 1K.
 */
function fitResolution(
  asked: string,
  resolution: AskedResolution,
  operation: ImageRequest['operation'],
  sizes: Sizes,
): Fitting {
  if (resolution === '1K') return { size: 'auto' }
  if (operation === 'edit') return { size: 'auto', refusal: invalidSize(asked, NO_RATIO) }
  const verdict = shapeVerdict(SQUARE, resolution, sizes)
  const { fault, nearest } = verdict
  if (fault !== undefined && (!nearest || resolutionOf(nearest) === '1K'))
    return { size: 'auto', refusal: invalidSize(asked, fault) }
  return fittingOf(asked, verdict, (why) => invalidSize(asked, why))
}
