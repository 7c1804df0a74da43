import * as z from 'zod'
import type { ErrorReader } from './error-report'
import { optionalText } from './lenient'
import { reportOfFault, validationDetail } from './validation-error'

const errorReply = z.object({
  detail: validationDetail.optional(),
  message: z.string().optional(),
  error_type: optionalText,
})

/** Types of a failed run without a fault in the request (protocols §6.4). */
const RUN_FAILURES =
  /^(?:no_media_generated|downstream_service_(?:error|unavailable)|generation_timeout|internal_(?:server_)?error|request_timeout|startup_timeout|runner_\w+)$/
/** The words of a run that failed at an API behind it. */
const FAILED_BEHIND = /^invalid status code: 5\d\d/i

/** Reads an error of fal: faults of the request, or the failure of a run with any status. */
export const readFalError: ErrorReader = (body) => {
  const { detail, message, error_type } = errorReply.safeParse(body).data ?? {}
  const fault =
    typeof detail === 'object'
      ? (detail.find(({ type }) => type === 'content_policy_violation') ?? detail[0])
      : { msg: detail ?? message, type: error_type ?? undefined, loc: [] }
  const isOfRun = RUN_FAILURES.test(fault?.type ?? '') || FAILED_BEHIND.test(fault?.msg ?? '')
  return { ...reportOfFault(fault), code: fault?.type, ...(isOfRun ? { kind: 'unavailable' } : {}) }
}
