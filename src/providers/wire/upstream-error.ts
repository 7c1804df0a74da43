import * as z from 'zod'
import { refusing } from '../../failures/refuse'
import { fieldOfParameter, OPENAI_IMAGES, parameterOf } from '../../failures/vocabulary'
import type { Failure } from '../../failures/errors'
import { ProviderError, type Upstream } from '../provider'
import { classOfAnswer, limitedGroup } from './answer-classes'
import { formOf } from './error-body'
import type { ErrorReader, ErrorReport } from './error-report'
import { idsOf } from './response-ids'
import { retryAfterMs } from './retry-after'
import { unusableAnswer } from './unusable-answer'
import { upstreamIdentifier, upstreamSentence } from './upstream-words'

const openaiErrorBody = z.object({
  message: z.string().nullish(),
  type: z.string().nullish(),
  code: z.union([z.string(), z.number()]).nullish(),
  param: z.string().nullish(),
})

/** The error object of OpenAI and similar APIs. A relay's code may be a number, its param an empty string. */
const openaiErrorReply = z.object({ error: openaiErrorBody })
/** Relays and proxies also send the sentence alone, or the object without its envelope. */
const bareErrorReply = z.union([
  z.object({ error: z.string() }).transform(({ error: message }): z.infer<typeof openaiErrorBody> => ({ message })),
  openaiErrorBody.extend({ message: z.string() }),
])

/** Reads an error body in OpenAI's form (protocols §1.7). */
export const readOpenaiError: ErrorReader = (body) => {
  const error = openaiErrorReply.safeParse(body).data?.error ?? bareErrorReply.safeParse(body).data
  const { message, type, code, param } = error ?? {}
  const said = {
    message: message ?? undefined,
    type: type ?? undefined,
    code: code === null || code === undefined ? undefined : String(code),
    param: param ?? undefined,
  }
  // An unknown model comes with any status, also with 400.
  const isUnknown = param === 'model' && /does not exist/.test(message ?? '')
  return isUnknown ? { ...said, kind: 'misconfigured', scope: 'model', isUnknown } : said
}

/** A ProviderError for an error answer, or for an error inside a good answer. */
export function errorOfResponse(
  response: Response,
  upstream: Upstream,
  body: unknown,
  read: ErrorReader = readOpenaiError,
): ProviderError {
  const { status } = response
  const said = read(body, status)
  const { kind, scope, moderated, isUnexplained } = classOfAnswer({ status, said, ...formOf(response, body) })
  const isKnown = kind !== 'unavailable' || scope !== undefined || isUnexplained || isReport(said) || hasError(body)
  if (response.ok && !isKnown) {
    const content = body === undefined ? { isEmpty: false } : { said: body }
    return unusableAnswer(response, 'answered outside of its API', content)
  }
  return new ProviderError(kind, `answered with status ${status}`, {
    failure: kind === 'rejected' || said.isUnknown ? failureOfReport({ ...said, moderated }, upstream) : undefined,
    ...(kind === 'throttled' ? waitOf(said, response.headers) : {}),
    scope,
    isUnexplained,
    ...idsOf(response),
  })
}

/** The wait of a throttled request, and the models that it concerns. */
const waitOf = (said: ErrorReport, headers?: Headers): Pick<ProviderError['facts'], 'retryAfterMs' | 'group'> => ({
  retryAfterMs: retryAfterMs(said, headers),
  group: limitedGroup(said.message),
})

/** Whether a reader has recognised an error. */
const isReport = (said: ErrorReport): boolean => Object.values(said).some((fact) => Boolean(fact))

/** The fields of an error in any API. */
const anyError = z.union([
  z.object({ error: z.union([z.string().min(1), z.looseObject({})]) }),
  z.object({ success: z.literal(false) }),
])
const hasError = (body: unknown): boolean => anyError.safeParse(body).success

/** A ProviderError for a failure that a job, or a good answer, reports. Without a kind, its codes and words decide. */
export function errorOfReport(said: ErrorReport, upstream: Upstream): ProviderError {
  const { kind, scope, moderated } = classOfAnswer({ status: 200, said, form: 'json' })
  return new ProviderError(kind, moderated ? 'refused the content' : 'reported a failure', {
    failure: kind === 'rejected' ? failureOfReport({ ...said, moderated }, upstream) : undefined,
    ...(kind === 'throttled' ? waitOf(said) : {}),
    scope,
  })
}

const REFUSALS = {
  request: "The upstream's safety system refused the request.",
  picture: "The upstream's safety system refused the picture that was made.",
} as const

/** The refusal of a request or of a finished picture, in the upstream's words if it has any. */
export const moderationError = (
  refused: keyof typeof REFUSALS,
  upstream: Upstream,
  message?: string | null,
): ProviderError =>
  errorOfReport({ kind: 'rejected', moderated: true, message: message ?? REFUSALS[refused] }, upstream)

/** Whether a sentence tells of refused content, at upstreams without a code for it. */
export const mentionsModeration = (words: string | undefined): boolean =>
  /\bnsfw\b|\bsafety\b|moderat|content.?policy/i.test(words ?? '')

function failureOfReport(said: ErrorReport, upstream: Upstream): Failure {
  const { message, moderated } = said
  const [param, code = 'invalid_value'] = [said.param, said.code].map(upstreamIdentifier)
  const words = message ? upstreamSentence(message, upstream.credential) : 'The upstream refused the request.'
  if (moderated) return { code: 'content_rejected', message: words, reason: 'moderation_blocked' }
  return refusing({
    reason: 'upstream',
    words,
    code,
    ...(param === undefined ? {} : { field: fieldOfParameter(param) }),
  })
}

/** An upstream's words about a refused request, and the parameter at fault. Undefined for other failures. */
export function refusalBy({ facts: { failure } }: ProviderError): { words: string; param?: string } | undefined {
  if (!failure || !('refusal' in failure) || failure.refusal.reason !== 'upstream') return undefined
  const { words, field } = failure.refusal
  return { words, ...(field === undefined ? {} : { param: parameterOf(field, OPENAI_IMAGES) }) }
}
