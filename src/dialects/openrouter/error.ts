import type { Vocabulary } from '../../failures/vocabulary'
import { type Failure, STATUS } from '../../failures/errors'
import { wordFailure } from '../worded-failure'
import { type RenderedError, renderedJson } from '../dialect'

/**
 * A failure in OpenRouter's words (protocols §2.2) with its status as a number. The metadata holds the reason and the
 * parameter.
 */
export function openrouterError(failure: Failure, requestId: string, vocabulary?: Vocabulary): RenderedError {
  const { code, message, param, reason } = wordFailure(failure, requestId, vocabulary)
  const status = openrouterStatus(failure)
  const metadata = { reason: reason ?? code, ...(param === undefined ? {} : { param }) }
  return renderedJson(status, { error: { code: status, message, metadata } })
}

/** A failure in a stream, with its code as a word. */
export function openrouterErrorEvent(
  failure: Failure,
  requestId: string,
  vocabulary?: Vocabulary,
): Record<string, unknown> {
  const { code, message, param = null, reason = code } = wordFailure(failure, requestId, vocabulary)
  return { type: 'error', error: { code: reason, message, param } }
}

/**
 * Refused content is a 403 there. The SDK retries each 5xx for an hour despite all headers. A failure without automatic
 * retries is therefore no 5xx: the upstream may bill each one.
 */
function openrouterStatus({ code, retry }: Failure): number {
  if (code === 'content_rejected') return 403
  return retry === false && STATUS[code] >= 500 ? FAILED_DEPENDENCY : STATUS[code]
}

/** RFC 4918 §11.4; no known client retries it. */
const FAILED_DEPENDENCY = 424
