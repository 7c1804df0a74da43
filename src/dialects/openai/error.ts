import { type ErrorCode, type Failure, STATUS } from '../../runtime/errors'
import { type RenderedError, renderedJson } from '../dialect'

/** What OpenAI calls our codes where a failure names no finer reason; null where it has no code (protocols §1.7). */
const CODES: Partial<Record<ErrorCode, string>> = {
  content_rejected: 'moderation_blocked',
  budget_exhausted: 'insufficient_quota',
  rate_limited: 'rate_limit_exceeded',
  concurrency_limited: 'rate_limit_exceeded',
  forbidden_model: 'model_not_found',
  idempotency_conflict: 'idempotency_conflict',
  too_large: 'request_too_large',
  no_upstream: 'server_is_overloaded',
}

/** Reasons that speak of the picture rather than of the request's form. */
const ABOUT_THE_PICTURE = ['invalid_image_file', 'moderation_blocked']

/** What stands in the envelope: all four keys, always. */
export interface OpenaiError {
  message: string
  type: string
  param: string | null
  code: string | null
}

/** A failure as OpenAI tells it. */
export function errorOf(failure: Failure, requestId: string): OpenaiError {
  const { code, message, param, reason } = failure
  const shown = code === 'internal' ? `${message} (request ID ${requestId})` : message
  return { message: shown, type: typeOf(failure), param: param ?? null, code: reason ?? CODES[code] ?? null }
}

/**
 * The envelope that every OpenAI client reads. A budget that is used up is a 429 there, which its clients are told not to
 * retry.
 */
export const openaiError = (failure: Failure, requestId: string): RenderedError =>
  renderedJson(failure.code === 'budget_exhausted' ? 429 : STATUS[failure.code], { error: errorOf(failure, requestId) })

function typeOf({ code, reason }: Failure): string {
  if (code === 'unsupported_parameter' || (reason && ABOUT_THE_PICTURE.includes(reason)))
    return 'image_generation_user_error'
  if (code === 'budget_exhausted') return 'insufficient_quota'
  if (code === 'concurrency_limited') return 'concurrent-requests'
  if (STATUS[code] === 429) return 'requests'
  if (STATUS[code] === 503) return 'service_unavailable_error'
  return STATUS[code] >= 500 ? 'server_error' : 'invalid_request_error'
}
