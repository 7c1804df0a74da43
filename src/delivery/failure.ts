import { ConfigError } from '../config'
import { type Failure, GatewayError, STATUS } from '../errors'
import { describe, log } from '../log'
import { StoreError } from '../store/trouble'

/** Answers with a failure, in the words that are given; what nobody foresaw goes to the log and is not told. */
export function failureResponse(
  error: unknown,
  word: (failure: Failure, requestId: string) => unknown,
  requestId: string,
): Response {
  const failure = failureOf(error, requestId)
  const headers = failureHeaders(failure, requestId)
  return new Response(JSON.stringify(word(failure, requestId)), { status: STATUS[failure.code], headers })
}

function failureOf(error: unknown, requestId: string): Failure {
  if (error instanceof GatewayError) {
    if (error.cause && STATUS[error.failure.code] >= 500)
      log('request-failed', { request: requestId, ...describe(error.cause) })
    return error.failure
  }
  if (error instanceof ConfigError) {
    log('config-refused', { request: requestId, error: error.message })
    return { code: 'internal', message: error.message, retry: false }
  }
  log('request-failed', { request: requestId, ...describe(error) })
  if (error instanceof StoreError) return STORE_TROUBLE
  return { code: 'internal', message: 'The gateway failed. Try again, and report this if it stays.' }
}

const STORE_TROUBLE: Failure = {
  code: 'unavailable',
  message: 'The gateway cannot reach its storage. Try again in a moment.',
  retryAfterMs: 2000,
}

/** When to try again, and whether to: read by the SDKs (protocols §7.1). */
function failureHeaders({ retryAfterMs, retry }: Failure, requestId: string): Headers {
  const headers = new Headers({
    'x-request-id': requestId,
    'content-type': 'application/json',
    'cache-control': 'no-store',
  })
  if (retryAfterMs !== undefined) {
    headers.set('retry-after', String(Math.ceil(retryAfterMs / 1000)))
    headers.set('retry-after-ms', String(Math.ceil(retryAfterMs)))
  }
  if (retry === false) headers.set('x-should-retry', 'false')
  return headers
}
