import type { Usage } from '../image/record'
import { DEFAULTS, type ImageRequestOf } from '../image/request'
import type { Model } from './model'
import { AUTO_QUALITY } from './quote'

/** The facts of an answer with several pictures. */
interface AnsweredPictures {
  /** The sum over all pictures. */
  usage?: Usage | undefined
  /** The usage that each of them came with. */
  usageOfEach?: Usage | undefined
  size?: string | undefined
  quality?: string | undefined
}

/** The factor above the expected tokens that pictures may take together. */
const EXPECTED_FACTOR = 1.25

/**
 * The usage of an answer with the same usage at each picture. It is that of the whole answer, repeated, if the sum
 * exceeds the highest expected output. Without expected tokens, it counts as repeated.
 */
export function usageOfPictures(
  { usage, usageOfEach, size, quality }: AnsweredPictures,
  request: ImageRequestOf<unknown>,
  { tokens }: Model,
): Usage | undefined {
  if (!usage || !usageOfEach) return usage
  if (!tokens) return usageOfEach
  const { textOut, imageOut } = tokens({
    ...request,
    size: request.size === DEFAULTS.size ? (size ?? request.size) : request.size,
    quality: request.quality === DEFAULTS.quality ? (quality ?? AUTO_QUALITY) : request.quality,
  })
  return usage.output > EXPECTED_FACTOR * (textOut + imageOut) ? usageOfEach : usage
}
