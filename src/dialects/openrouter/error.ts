import type { Vocabulary } from '../../refusals/vocabulary'
import { type Failure, STATUS } from '../../runtime/errors'
import { wordFailure } from '../worded-failure'
import { type RenderedError, renderedJson } from '../dialect'

/**
 * A failure as OpenRouter words it (protocols §2.2), by the number of its status. The finer reason and the parameter, which
 * it has no place for, go into the metadata.
 */
export function openrouterError(failure: Failure, requestId: string, vocabulary?: Vocabulary): RenderedError {
  const { code, message, param, reason } = wordFailure(failure, requestId, vocabulary)
  const status = statusOf(failure)
  const metadata = { reason: reason ?? code, ...(param === undefined ? {} : { param }) }
  return renderedJson(status, { error: { code: status, message, metadata } })
}

/** The same in a stream that had begun, where the code is a word. */
export function openrouterErrorEvent(
  failure: Failure,
  requestId: string,
  vocabulary?: Vocabulary,
): Record<string, unknown> {
  const { code, message, param = null, reason = code } = wordFailure(failure, requestId, vocabulary)
  return { type: 'error', error: { code: reason, message, param } }
}

/**
 * What is refused for its content is a 403 there. Its SDK tries each 5xx again for an hour, whatever the headers say, so that
 * what is not to be tried again by itself must not be one: its upstream may be paid each time.
 */
function statusOf({ code, retry }: Failure): number {
  if (code === 'content_rejected') return 403
  return retry === false && STATUS[code] >= 500 ? FAILED_DEPENDENCY : STATUS[code]
}

/** RFC 4918 §11.4; no client is known to try it again. */
const FAILED_DEPENDENCY = 424
