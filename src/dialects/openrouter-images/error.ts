import { type Failure, STATUS } from '../../runtime/errors'
import { type RenderedError, renderedJson } from '../dialect'

/**
 * A failure as OpenRouter words it (protocols §2.2), by the number of its status. The finer reason and the parameter, which
 * it has no place for, go into the metadata.
 */
export function openrouterError(failure: Failure, requestId: string): RenderedError {
  const { code, param, reason } = failure
  const status = statusOf(failure)
  const metadata = { reason: reason ?? code, ...(param === undefined ? {} : { param }) }
  return renderedJson(status, { error: { code: status, message: messageOf(failure, requestId), metadata } })
}

/** The same in a stream that had begun, where the code is a word. */
export const openrouterErrorEvent = (failure: Failure, requestId: string): Record<string, unknown> => ({
  type: 'error',
  error: {
    code: failure.reason ?? failure.code,
    message: messageOf(failure, requestId),
    param: failure.param ?? null,
  },
})

export const messageOf = ({ code, message }: Failure, requestId: string): string =>
  code === 'internal' ? `${message} (request ID ${requestId})` : message

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
