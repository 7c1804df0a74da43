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

/** A request with more input tokens may have a 404 for its length. 15,000 had one, 10,000 had none (protocols §3.2). */
const LONG_INPUT_TOKENS = 10_000

/** Google's words for a missing object; those for a missing model name it. */
const NAMELESS_ENTITY = /^Requested entity was not found\.?$/i

/** Reads an error of a request with so many input tokens. */
export const googleErrorReader =
  (inputTokens: number): ErrorReader =>
  (body, status) => {
    const said = readGoogleError(body, status)
    const isTooLong = status === 404 && inputTokens > LONG_INPUT_TOKENS && NAMELESS_ENTITY.test(said.message ?? '')
    return isTooLong ? { ...said, kind: 'rejected', message: TOO_LONG, code: 'string_above_max_length' } : said
  }

const TOO_LONG = 'The prompt and its pictures are too long for this model. Send a shorter prompt, or fewer pictures.'

/** A quota of one model leaves the other models of its project alone. */
const isOfModel = ({ quotaId, quotaMetric }: z.infer<typeof quotaViolation>): boolean =>
  /PerModel|per_(?:base_)?model/i.test(`${quotaId ?? ''} ${quotaMetric ?? ''}`)
