import type { SizeFault } from '../failures/refusal'
import { extended, lastStep, nearestStep, nextStep, sizeNear, STEP } from './shape-table'
import type { AskedResolution } from './shapes'
import { areaOf, elongationOf, MAX_SCALE, type Pixels, timesApart, type Verdict } from './sizes'

/** The bounds of gpt-image-2 and its successors, in pixels (protocols §1.2). */
const MAX_EDGE = 3840
const MAX_RATIO = 3
const MIN_PIXELS = 655_360
const MAX_PIXELS = 8_294_400

/**
 * Fits a size in pixels to a model with free sizes, scaled in proportion if it is out of bounds. A size that can be
 * cropped is rounded up.
 */
export function fitFreeSize(asked: Pixels, canCrop: boolean): Verdict {
  const factor = factorIntoBounds(asked)
  const fault = freeSizeFault(asked)
  if (timesApart(factor, 1) > MAX_SCALE) return { fault }
  const stepped = (step: (edge: number) => number): Pixels => ({
    width: step(asked.width * factor),
    height: step(asked.height * factor),
  })
  const choices = [...(canCrop || factor > 1 ? [stepped(nextStep)] : []), stepped(nearestStep), stepped(lastStep)]
  return { fault, nearest: choices.find((each) => !freeSizeFault(each)) }
}

/** The factor of the edges that brings a size into the bounds; 1 within them. */
function factorIntoBounds(size: Pixels): number {
  const [area, longest] = [areaOf(size), Math.max(size.width, size.height)]
  if (area < MIN_PIXELS) return Math.sqrt(MIN_PIXELS / area)
  return Math.min(1, Math.sqrt(MAX_PIXELS / area), MAX_EDGE / longest)
}

/** Whether no larger size of its shape is made. */
export const isLargestFree = (size: Pixels): boolean =>
  Math.max(size.width, size.height) + STEP > MAX_EDGE || (size.width + STEP) * (size.height + STEP) > MAX_PIXELS

/** Fits a shape to a model with free sizes. */
export function fitFreeShape(ratio: Pixels, resolution: AskedResolution): Verdict {
  if (elongationOf(ratio) > MAX_RATIO) return { fault: { is: 'ratio_out_of_range', max: MAX_RATIO } }
  // The smallest square is 816x816.
  if (resolution === '512') {
    return { fault: { is: 'resolution_unknown', allowed: ['1K', '2K', '4K'] }, nearest: bounded(ratio, '1K') }
  }
  return { nearest: bounded(ratio, resolution) }
}

/** The size of a shape, reduced when its resolution is out of bounds. */
function bounded(ratio: Pixels, resolution: AskedResolution): Pixels {
  const size = sizeNear(ratio, resolution, MAX_EDGE)
  // Rounding may have made it one step too large.
  return freeSizeFault(size) ? extended(ratio, Math.min(size.width, size.height) - STEP) : size
}

/** The fault of a size, checked in OpenAI's order. Undefined for an allowed size. */
function freeSizeFault(size: Pixels): SizeFault | undefined {
  const { width, height } = size
  if (width % STEP || height % STEP) return { is: 'not_divisible', by: STEP }
  if (Math.max(width, height) > MAX_EDGE) return { is: 'edge_too_long', max: MAX_EDGE }
  if (elongationOf(size) > MAX_RATIO) return { is: 'too_elongated', max: MAX_RATIO }
  if (areaOf(size) < MIN_PIXELS) return { is: 'too_few_pixels', min: MIN_PIXELS }
  if (areaOf(size) > MAX_PIXELS) return { is: 'too_many_pixels', max: MAX_PIXELS }
  return undefined
}
