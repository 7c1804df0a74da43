import type { Vocabulary } from '../../failures/vocabulary'
import { type ErrorCode, type Failure, STATUS, type WordedFailure } from '../../failures/errors'
import { wordFailure } from '../worded-failure'
import { type RenderedError, renderedJson } from '../dialect'

/** OpenAI's code for a failure without a finer reason (protocols §1.7); other failures have none. */
const OPENAI_CODES: Partial<Record<ErrorCode, string>> = {
  content_rejected: 'moderation_blocked',
  budget_exhausted: 'insufficient_quota',
  rate_limited: 'rate_limit_exceeded',
  concurrency_limited: 'rate_limit_exceeded',
  queue_full: 'rate_limit_exceeded',
  forbidden_model: 'model_not_found',
  idempotency_conflict: 'idempotency_conflict',
  too_large: 'request_too_large',
  no_upstream: 'server_is_overloaded',
}

/** Reasons about a picture, not about the form of the request. */
const PICTURE_REASONS = ['invalid_image_file', 'moderation_blocked']

/** The error object, always with all four keys. */
export interface OpenaiError {
  message: string
  type: string
  param: string | null
  code: string | null
}

/** A failure as OpenAI's error object; the default vocabulary is that of the Images API. */
export function openaiErrorObject(failure: Failure, requestId: string, vocabulary?: Vocabulary): OpenaiError {
  const words = wordFailure(failure, requestId, vocabulary)
  const { code, message, param = null, reason = OPENAI_CODES[code] ?? null } = words
  return { message, type: openaiErrorType(words), param, code: reason }
}

/** The envelope of every OpenAI client. A used-up budget is a 429 there, with a code that stops retries. */
export const openaiError = (failure: Failure, requestId: string, vocabulary?: Vocabulary): RenderedError =>
  renderedJson(failure.code === 'budget_exhausted' ? 429 : STATUS[failure.code], {
    error: openaiErrorObject(failure, requestId, vocabulary),
  })

function openaiErrorType({ code, reason }: WordedFailure): string {
  if (code === 'unsupported_parameter' || (reason && PICTURE_REASONS.includes(reason)))
    return 'image_generation_user_error'
  if (code === 'budget_exhausted') return 'insufficient_quota'
  if (code === 'concurrency_limited' || code === 'queue_full') return 'concurrent-requests'
  if (STATUS[code] === 429) return 'requests'
  if (STATUS[code] === 503) return 'service_unavailable_error'
  return STATUS[code] >= 500 ? 'server_error' : 'invalid_request_error'
}
