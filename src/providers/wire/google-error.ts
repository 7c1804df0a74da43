import * as z from 'zod'
import { optionalText } from './lenient'
import type { ErrorReader } from './error-report'

const quotaViolation = z.object({ quotaId: optionalText, quotaMetric: optionalText }).catch({})
const googleErrorDetail = z
  .object({
    reason: optionalText,
    retryDelay: optionalText,
    violations: z.array(quotaViolation).nullish().catch(undefined),
  })
  .catch({})
const errorReply = z.object({
  error: z.object({
    message: optionalText,
    status: optionalText,
    details: z.array(googleErrorDetail).nullish().catch(undefined),
  }),
})

/** Some endpoints wrap the error in an array of one (protocols §3.5). */
export const googleErrorIn = (body: unknown): z.infer<typeof errorReply>['error'] | undefined =>
  errorReply.safeParse(Array.isArray(body) ? body[0] : body).data?.error

/** A reason is finer than its status. */
export const readGoogleError: ErrorReader = (body) => {
  const { message, status, details: more } = googleErrorIn(body) ?? {}
  const delay = more?.find(({ retryDelay }) => retryDelay)?.retryDelay ?? ''
  const said = {
    message: message ?? undefined,
    code: more?.find(({ reason }) => reason)?.reason ?? undefined,
    type: status ?? undefined,
    waitMs: /^\d+(?:\.\d+)?s$/.test(delay) ? parseFloat(delay) * 1000 : undefined,
  }
  const violations = more?.flatMap((each) => each.violations ?? []) ?? []
  return violations.some(isOfModel) ? { ...said, limits: 'model' } : said
}

/** A quota of one model leaves the other models of its project alone. */
const isOfModel = ({ quotaId, quotaMetric }: z.infer<typeof quotaViolation>): boolean =>
  /PerModel|per_(?:base_)?model/i.test(`${quotaId ?? ''} ${quotaMetric ?? ''}`)
