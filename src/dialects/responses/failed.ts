import type { ErrorCode, Failure } from '../../failures/errors'
import type { OpenaiError } from '../openai/error'

/** The code of a failed response, of the few that the API has; others are errors of the server. */
const RESPONSE_CODES: Partial<Record<ErrorCode, string>> = {
  content_rejected: 'image_content_policy_violation',
  invalid_request: 'invalid_prompt',
  unsupported_parameter: 'invalid_prompt',
  budget_exhausted: 'rate_limit_exceeded',
  rate_limited: 'rate_limit_exceeded',
  concurrency_limited: 'rate_limit_exceeded',
  queue_full: 'rate_limit_exceeded',
}

/** The error of a failed response. */
export const responseError = ({ code }: Failure, { message, param, type }: OpenaiError): Record<string, unknown> => ({
  code: RESPONSE_CODES[code] ?? 'server_error',
  message,
  param,
  type,
})
