import { extended, nearestStep, nextStep, sizeNear, STEP } from './shape-table'
import type { AskedResolution } from './shapes'
import { areaOf, elongationOf, type Pixels, type Verdict } from './sizes'

/** The bounds of gpt-image-2 and its successors, in pixels (protocols §1.2). */
const MAX_EDGE = 3840
const MAX_RATIO = 3
const MIN_PIXELS = 655_360
const MAX_PIXELS = 8_294_400

/** A size that was asked for in pixels, of a model that makes any; one that can be cropped is rather too large. */
export function fitFreeSize(asked: Pixels, canCrop: boolean): Verdict {
  const stepped = (step: (edge: number) => number): Pixels => ({ width: step(asked.width), height: step(asked.height) })
  const choices = [...(canCrop ? [stepped(nextStep)] : []), stepped(nearestStep)]
  return { fault: freeSizeFault(asked), nearest: choices.find((each) => !freeSizeFault(each)) }
}

/** A shape, of a model that makes any size. */
export function fitFreeShape(ratio: Pixels, resolution: AskedResolution): Verdict {
  if (elongationOf(ratio) > MAX_RATIO)
    return { fault: `The aspect ratio must be from 1:${MAX_RATIO} to ${MAX_RATIO}:1.` }
  // The smallest square is 816x816.
  if (resolution === '512') return { fault: 'The resolution must be 1K, 2K or 4K.', nearest: bounded(ratio, '1K') }
  return { nearest: bounded(ratio, resolution) }
}

/** A size of a shape, smaller than its resolution where that would be out of bounds. */
function bounded(ratio: Pixels, resolution: AskedResolution): Pixels {
  const size = sizeNear(ratio, resolution, MAX_EDGE)
  // Rounding may have made it a step too large.
  return freeSizeFault(size) ? extended(ratio, Math.min(size.width, size.height) - STEP) : size
}

/** Why a size is not allowed, in the order in which OpenAI checks; undefined where it is. */
function freeSizeFault(size: Pixels): string | undefined {
  const { width, height } = size
  if (width % STEP || height % STEP) return `Width and height must both be divisible by ${STEP}.`
  if (Math.max(width, height) > MAX_EDGE) return `Neither edge may be longer than ${MAX_EDGE} pixels.`
  if (elongationOf(size) > MAX_RATIO) return `The longer edge may be at most ${MAX_RATIO} times the shorter one.`
  if (areaOf(size) < MIN_PIXELS) {
    return `The requested resolution is below the current minimum pixel budget of ${MIN_PIXELS} pixels.`
  }
  if (areaOf(size) > MAX_PIXELS) {
    return `The requested resolution is above the current maximum pixel budget of ${MAX_PIXELS} pixels.`
  }
  return undefined
}
