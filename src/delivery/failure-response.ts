import { ConfigError } from '../failures/config-error'
import type { RenderedError } from '../dialects/dialect'
import { type Failure, GatewayError, STATUS } from '../failures/errors'
import { describe, log } from '../runtime/log'
import { StoreError } from '../store/retries'
import type { LimitStatus } from '../limits/limit-status'
import { limitHeaders } from '../wire/limit-headers'

type Render = (failure: Failure, requestId: string) => RenderedError

/** Responds with a failure in the words of `render`. */
export function failureResponse(
  error: unknown,
  render: Render,
  requestId: string,
  limitStatuses: readonly LimitStatus[] = [],
): Response {
  const failure = failureOf(error, requestId)
  const { status, contentType, text } = render(failure, requestId)
  const headers = { ...limitHeaders(limitStatuses), ...failureHeaders(failure, requestId), 'content-type': contentType }
  return new Response(text, { status, headers })
}

/** The failure of an error. An unforeseen error is logged, and its response reveals nothing of it. */
export function failureOf(error: unknown, requestId: string): Failure {
  if (error instanceof GatewayError) {
    if (error.cause && STATUS[error.failure.code] >= 500)
      log('request-failed', { request: requestId, ...describe(error.cause) })
    return error.failure
  }
  if (error instanceof ConfigError) {
    log('config-refused', { request: requestId, error: error.message })
    return WRONG_SETTINGS
  }
  log('request-failed', { request: requestId, ...describe(error) })
  if (error instanceof StoreError) return STORE_TROUBLE
  return { code: 'internal', message: 'The gateway failed. Try again, and report this if it stays.' }
}

/** The operator alone learns which settings are wrong. */
const WRONG_SETTINGS: Failure = {
  code: 'internal',
  message:
    'The settings of this gateway are wrong, so that it serves nothing. Its operator finds the faults in its log, or at GET /admin/api/settings with the ADMIN_TOKEN.',
  reason: 'wrong_settings',
  retry: false,
}

const STORE_TROUBLE: Failure = {
  code: 'unavailable',
  message: 'The gateway cannot reach its storage. Try again in a moment.',
  retryAfterMs: 2000,
}

/** The headers for a retry, as SDKs read them (protocols §7.1). */
const failureHeaders = ({ retryAfterMs, retry }: Failure, requestId: string): Record<string, string> => ({
  'x-request-id': requestId,
  'cache-control': 'no-store',
  ...(retryAfterMs === undefined
    ? {}
    : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)), 'retry-after-ms': String(Math.ceil(retryAfterMs)) }),
  ...(retry === false ? { 'x-should-retry': 'false' } : {}),
})
