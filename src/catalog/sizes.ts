import type { Failure } from '../errors'
import { invalidSize, invalidValue } from './refusals'

/** Which sizes a model makes: any within the bounds below, one of a list, or whatever its upstream says. */
export type Sizes = { kind: 'free' } | { kind: 'listed'; sizes: readonly string[] } | { kind: 'unknown' }

/** The bounds of gpt-image-2 and its successors, in pixels (protocols §1.2). */
const STEP = 16
const MAX_EDGE = 3840
const MAX_RATIO = 3
const MIN_PIXELS = 655_360
const MAX_PIXELS = 8_294_400

/** A size to ask the model for, differing from the asked one where that could be rounded; or why there is none. */
export function fitSize(asked: string, sizes: Sizes): { size: string; refusal?: Failure } | { refusal: Failure } {
  if (asked === 'auto' || sizes.kind === 'unknown') return { size: asked }
  if (sizes.kind === 'listed') {
    return sizes.sizes.includes(asked)
      ? { size: asked }
      : { refusal: invalidValue('size', asked, [...sizes.sizes, 'auto']) }
  }
  const [, width, height] = /^([1-9]\d{0,5})x([1-9]\d{0,5})$/.exec(asked) ?? []
  if (!width || !height) {
    return { refusal: invalidSize(asked, "Expected WIDTHxHEIGHT, for example '1824x1024'.") }
  }
  const fault = faultOf(Number(width), Number(height))
  if (!fault) return { size: asked }
  const refusal = invalidSize(asked, fault)
  const [roundWidth, roundHeight] = [nearestStep(Number(width)), nearestStep(Number(height))]
  return faultOf(roundWidth, roundHeight) ? { refusal } : { size: `${roundWidth}x${roundHeight}`, refusal }
}

const nearestStep = (edge: number): number => Math.round(edge / STEP) * STEP

/** Why a size is not allowed, in the order in which OpenAI checks; undefined where it is. */
function faultOf(width: number, height: number): string | undefined {
  const pixels = width * height
  if (width % STEP || height % STEP) return `Width and height must both be divisible by ${STEP}.`
  if (Math.max(width, height) > MAX_EDGE) return `Neither edge may be longer than ${MAX_EDGE} pixels.`
  if (Math.max(width, height) > MAX_RATIO * Math.min(width, height)) {
    return `The longer edge may be at most ${MAX_RATIO} times the shorter one.`
  }
  if (pixels < MIN_PIXELS) {
    return `The requested resolution is below the current minimum pixel budget of ${MIN_PIXELS} pixels.`
  }
  if (pixels > MAX_PIXELS) {
    return `The requested resolution is above the current maximum pixel budget of ${MAX_PIXELS} pixels.`
  }
  return undefined
}
