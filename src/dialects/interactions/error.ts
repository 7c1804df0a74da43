import { type Failure, STATUS } from '../../failures/errors'
import { failureInWords } from '../../failures/words'
import { type RenderedError, renderedJson } from '../dialect'
import { googleError, googleFailure } from '../google/error'
import type { InteractionOptions } from './request'
import { interactionsVocabulary } from './vocabulary'

/**
 * A failure in Google's envelope. The SDK retries each 5xx four times despite all headers. A failure without automatic
 * retries is therefore no 5xx: the upstream may bill each one.
 */
export function interactionError(failure: Failure, requestId: string, options?: InteractionOptions): RenderedError {
  const words = failureInWords(failure, interactionsVocabulary(options))
  if (failure.retry !== false || STATUS[failure.code] < 500) return googleFailure(words, requestId)
  return renderedJson(FAILED_DEPENDENCY, googleError(words, requestId, FAILED_DEPENDENCY))
}

/** RFC 4918 §11.4; the SDK does not retry it. */
const FAILED_DEPENDENCY = 424

/** A failure inside of an interaction, or in its stream. */
export function interactionFault(failure: Failure, options?: InteractionOptions): { code: string; message: string } {
  const { code, message, reason = code } = failureInWords(failure, interactionsVocabulary(options))
  return { code: code === 'content_rejected' ? 'image_safety' : reason, message }
}
