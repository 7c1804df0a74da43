import * as z from 'zod'
import { refusalSchema } from './refusal'

/** The codes of failures and their HTTP statuses. */
export const STATUS = {
  invalid_request: 400,
  unsupported_parameter: 400,
  content_rejected: 400,
  unauthorized: 401,
  budget_exhausted: 402,
  forbidden_model: 403,
  forbidden_link: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  too_large: 413,
  unsupported_encoding: 415,
  idempotency_conflict: 422,
  rate_limited: 429,
  concurrency_limited: 429,
  queue_full: 429,
  cancelled: 499,
  internal: 500,
  upstream_failed: 502,
  no_upstream: 503,
  unavailable: 503,
  timed_out: 504,
  loop_detected: 508,
} as const

export type ErrorCode = keyof typeof STATUS

const OF_CALLER: readonly ErrorCode[] = [
  'budget_exhausted',
  'concurrency_limited',
  'forbidden_model',
  'queue_full',
  'rate_limited',
  'unauthorized',
]

/** Whether a failure comes from the key or the limits of one caller; another caller may send the same request. */
export const isOfCaller = (code: ErrorCode): boolean => OF_CALLER.includes(code)

/** One of the codes of failures. */
export const errorCode = z.custom<ErrorCode>((code) => typeof code === 'string' && Object.hasOwn(STATUS, code))

/** The facts of every failure. */
const common = {
  code: errorCode,
  /** The wait before another attempt, in ms. */
  retryAfterMs: z.number().exactOptional(),
  /** False if an automatic retry costs money or time without a chance of success. */
  retry: z.literal(false).exactOptional(),
}

/** A failure with the same words in every dialect; stored rows of earlier versions have this form only. */
const wordedFailureSchema = z.object({
  ...common,
  /** Says what to do next; holds no secret and no raw words of an upstream. */
  message: z.string(),
  /** The parameter at fault, by the name that the client used. */
  param: z.string().exactOptional(),
  /** The finer reason, in OpenAI's vocabulary if that has a word for it (protocols §1.7). */
  reason: z.string().exactOptional(),
})
export type WordedFailure = z.infer<typeof wordedFailureSchema>

/** A failure of the request itself as a reason, which the dialect of the client words. */
const refusedRequest = z.object({ ...common, refusal: refusalSchema })

/** A failure as plain data, so that it survives RPC and storage. */
export const failureSchema = z.union([refusedRequest, wordedFailureSchema])
export type Failure = z.infer<typeof failureSchema>

export type Result<T> = { ok: true; value: T } | { ok: false; failure: Failure }

export const ok = <T>(value: T): Result<T> => ({ ok: true, value })
export const failed = (failure: Failure): { ok: false; failure: Failure } => ({ ok: false, failure })

/** A failure as an exception, inside the Worker. Across RPC and in storage it is a plain `Failure`. */
export class GatewayError extends Error {
  readonly failure: Failure

  constructor(failure: Failure, options?: ErrorOptions) {
    super('message' in failure ? failure.message : JSON.stringify(failure.refusal), options)
    this.failure = failure
  }
}

/** Turns a result into its value. Throws GatewayError for a failure. Only for the Worker's side. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new GatewayError(result.failure)
}

/** Throws GatewayError for a failure. */
export function throwIfRefused(failure: Failure | undefined): void {
  if (failure) throw new GatewayError(failure)
}
