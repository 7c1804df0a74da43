import { ConfigError } from '../config'
import type { RenderedError } from '../dialects/dialect'
import { type Failure, GatewayError, STATUS } from '../runtime/errors'
import { describe, log } from '../runtime/log'
import { StoreError } from '../store/retries'
import type { LimitStatus } from '../limits/limit-status'
import { limitHeaders } from '../wire/limit-headers'

type Word = (failure: Failure, requestId: string) => RenderedError

/** Answers with a failure, in the words that are given. */
export function failureResponse(
  error: unknown,
  word: Word,
  requestId: string,
  standings: readonly LimitStatus[] = [],
): Response {
  const failure = failureOf(error, requestId)
  const { status, contentType, text } = word(failure, requestId)
  const headers = { ...limitHeaders(standings), ...failureHeaders(failure, requestId), 'content-type': contentType }
  return new Response(text, { status, headers })
}

/** What is told of an error; what nobody foresaw goes to the log and is not told. */
export function failureOf(error: unknown, requestId: string): Failure {
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
const failureHeaders = ({ retryAfterMs, retry }: Failure, requestId: string): Record<string, string> => ({
  'x-request-id': requestId,
  'cache-control': 'no-store',
  ...(retryAfterMs === undefined
    ? {}
    : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)), 'retry-after-ms': String(Math.ceil(retryAfterMs)) }),
  ...(retry === false ? { 'x-should-retry': 'false' } : {}),
})
