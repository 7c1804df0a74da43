import type { ErrorCode, WordedFailure } from '../../failures/errors'
import { type RenderedError, renderedJson } from '../dialect'

/** Google's status and its HTTP status for each code (protocols §3.5). */
const GOOGLE_STATUSES: Readonly<Record<ErrorCode, readonly [number, string]>> = {
  invalid_request: [400, 'INVALID_ARGUMENT'],
  unsupported_parameter: [400, 'INVALID_ARGUMENT'],
  content_rejected: [400, 'INVALID_ARGUMENT'],
  unauthorized: [403, 'PERMISSION_DENIED'],
  budget_exhausted: [429, 'RESOURCE_EXHAUSTED'],
  forbidden_model: [403, 'PERMISSION_DENIED'],
  forbidden_link: [403, 'PERMISSION_DENIED'],
  not_found: [404, 'NOT_FOUND'],
  method_not_allowed: [405, 'UNIMPLEMENTED'],
  conflict: [409, 'ABORTED'],
  too_large: [400, 'INVALID_ARGUMENT'],
  unsupported_encoding: [415, 'INVALID_ARGUMENT'],
  idempotency_conflict: [409, 'ALREADY_EXISTS'],
  rate_limited: [429, 'RESOURCE_EXHAUSTED'],
  concurrency_limited: [429, 'RESOURCE_EXHAUSTED'],
  queue_full: [429, 'RESOURCE_EXHAUSTED'],
  cancelled: [499, 'CANCELLED'],
  internal: [500, 'INTERNAL'],
  upstream_failed: [502, 'UNAVAILABLE'],
  no_upstream: [503, 'UNAVAILABLE'],
  unavailable: [503, 'UNAVAILABLE'],
  timed_out: [504, 'DEADLINE_EXCEEDED'],
  loop_detected: [508, 'FAILED_PRECONDITION'],
}

/** A failure in Google's envelope. */
export function googleFailure(words: WordedFailure, requestId: string): RenderedError {
  const [status] = googleStatus(words)
  return renderedJson(status, googleError(words, requestId))
}

const WRONG_KEY = 'invalid_api_key'

/** Google's status for a wrong key is that of a wrong argument; a missing key has no permission. */
function googleStatus({ code, param, reason }: WordedFailure): readonly [number, string] {
  if (reason === WRONG_KEY) return GOOGLE_STATUSES.invalid_request
  return code === 'unsupported_parameter' && param === 'model' ? GOOGLE_STATUSES.not_found : GOOGLE_STATUSES[code]
}

/** The body of a failure: Google's error object with its details. `instead` replaces its HTTP status. */
export function googleError(words: WordedFailure, requestId: string, instead?: number): unknown {
  const [usual, word] = googleStatus(words)
  const { code, message, param, reason, retryAfterMs } = words
  const text = code === 'unauthorized' ? keyMessage(reason) : message
  const details = [
    reason === WRONG_KEY
      ? errorDetail('ErrorInfo', { reason: 'API_KEY_INVALID', domain: 'googleapis.com', metadata: {} })
      : errorDetail('ErrorInfo', { reason: (reason ?? code).toUpperCase(), domain: 'darkroom', metadata: {} }),
    errorDetail('RequestInfo', { requestId }),
    ...(param === undefined
      ? []
      : [errorDetail('BadRequest', { fieldViolations: [{ field: param, description: message }] })]),
    ...(retryAfterMs === undefined ? [] : [errorDetail('RetryInfo', { retryDelay: `${retryAfterMs / 1000}s` })]),
  ]
  return { error: { code: instead ?? usual, message: text, status: word, details } }
}

const errorDetail = (name: string, facts: Record<string, unknown>): Record<string, unknown> => ({
  '@type': `type.googleapis.com/google.rpc.${name}`,
  ...facts,
})

/** Clients look for the beginning of Google's own sentence. */
const keyMessage = (reason: string | undefined): string =>
  reason === WRONG_KEY
    ? 'API key not valid. Please pass a valid API key, or ask the operator of this gateway for one.'
    : "You didn't provide an API key. Send it in an x-goog-api-key header."
