import * as z from 'zod'
import { refusing } from '../../failures/refuse'
import { fieldOfParameter, OPENAI_IMAGES, parameterOf } from '../../failures/vocabulary'
import type { Failure } from '../../failures/errors'
import { type Bytes, capped, readText } from '../../streams/bytes'
import { ProviderError, type ProviderErrorKind, type Upstream } from '../provider'
import { retryAfterMs } from './retry-after'
import { upstreamIdentifier, upstreamSentence } from './upstream-words'

/** The limit of an error body. A longer one is not read. */
const MAX_ERROR_BYTES = 64 * 1024

/** The content of an error body. Each provider reads its own form. */
export interface ErrorReport {
  message?: string | undefined
  code?: string | undefined
  type?: string | undefined
  /** The parameter at fault. */
  param?: string | undefined
  /** The kind, if neither status nor code decides it. */
  kind?: ProviderErrorKind | undefined
  /** Whether the content was refused. */
  moderated?: boolean | undefined
  /** Whether only this model is unavailable. */
  ofModel?: boolean | undefined
  /** Whether the upstream does not know the model. Another upstream may. */
  isUnknown?: boolean | undefined
  /** The wait that the body asks for, in ms. */
  waitMs?: number | undefined
}

/** Reads an error body of one API. */
export type ErrorReader = (body: unknown, status: number) => ErrorReport

/** The error object of OpenAI and similar APIs. A relay's code may be a number, its param an empty string. */
const openaiErrorReply = z.object({
  error: z.object({
    message: z.string().nullish(),
    type: z.string().nullish(),
    code: z.union([z.string(), z.number()]).nullish(),
    param: z.string().nullish(),
  }),
})

/** Reads an error body in OpenAI's form (protocols §1.7). */
export const readOpenaiError: ErrorReader = (body, status) => {
  const { message, type, code, param } = openaiErrorReply.safeParse(body).data?.error ?? {}
  const said = {
    message: message ?? undefined,
    type: type ?? undefined,
    code: code === null || code === undefined ? undefined : String(code),
    param: param ?? undefined,
  }
  // An unavailable model comes with any status, also with 400.
  const isUnknown = param === 'model' && /does not exist/.test(message ?? '')
  if (isUnknown || code === 'model_not_found' || NO_MODEL_ACCESS.test(message ?? ''))
    return { ...said, kind: 'misconfigured', ofModel: true, isUnknown }
  return isOfRequest(said, status) ? { ...said, kind: 'rejected' } : said
}

/** The words of OpenAI and new-api relays, with status 403, for a model or an operation outside the key's rights. */
const NO_MODEL_ACCESS =
  /insufficient permissions|must be verified to use the model|not allowed to sample from this model|not have access to model|无权(?:访问|使用)模型/i

/** Words about the owner and the rights of a key, with status 403. */
const KEY_WORDS = /\b(?:permissions?|scopes?|roles?|organi[sz]ations?|projects?|billing)\b/i

/** OpenAI's words for an unknown id in a request. */
const NO_SUCH_OBJECT = /\bwith id\b.*\bnot found\b|^No such \w+ object/i

/** Whether a 403 or 404 is about the request, and not about the account or the model. */
function isOfRequest({ message = '', type, code, param }: ErrorReport, status: number): boolean {
  if (status === 403) return type === 'invalid_request_error' && !code && !KEY_WORDS.test(message)
  return status === 404 && (Boolean(param && param !== 'model') || NO_SUCH_OBJECT.test(message))
}

/** The error body: JSON, the first event of a stream, or plain text. Undefined when it cannot be read. */
export async function readErrorBody(bytes: Bytes): Promise<unknown> {
  try {
    const said = await readText(capped(bytes, MAX_ERROR_BYTES, () => new Error('too long')))
    const [, event = said] = /^data:(.*)$/m.exec(said) ?? []
    return parsedOr(event)
  } catch {
    return undefined
  }
}

function parsedOr(said: string): unknown {
  try {
    return JSON.parse(said)
  } catch {
    return said
  }
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
  const isBlocked = isPage(response)
  const kind = isBlocked ? 'unavailable' : kindOfReport(status, said)
  return new ProviderError(kind, `answered with status ${status}`, {
    failure: kind === 'rejected' || said.isUnknown ? failureOfReport(said, upstream) : undefined,
    retryAfterMs: kind === 'throttled' ? retryAfterMs(response.headers, said) : undefined,
    ofModel: kind === 'misconfigured' && (said.ofModel || isNotFoundStatus(status)) ? true : undefined,
    ofRequest: isBlocked ? true : undefined,
    status,
    requestId: requestIdOf(response.headers),
    organization: response.headers.get('openai-organization') ?? undefined,
  })
}

/**
 * Whether a firewall in front of the API answered with a web page. The request's content may be the cause, so it says
 * nothing about the account.
 */
const isPage = ({ status, headers }: Response): boolean =>
  (status === 401 || status === 403) && /^text\/html\b/i.test(headers.get('content-type') ?? '')

/** The headers with an upstream's request id: OpenAI, then Azure and new-api relays (protocols §2.1, §6.1). */
const REQUEST_ID_HEADERS = ['x-request-id', 'apim-request-id', 'x-ms-request-id', 'x-oneapi-request-id']

/** The upstream's id of a request. */
export const requestIdOf = (headers: Headers): string | undefined =>
  REQUEST_ID_HEADERS.map((name) => headers.get(name)).find((id) => id !== null) ?? undefined

/** A ProviderError for a failure that a job, or a good answer, reports. */
export const errorOfReport = (said: ErrorReport & { kind: ProviderErrorKind }, upstream: Upstream): ProviderError =>
  new ProviderError(said.kind, said.moderated ? 'refused the content' : 'reported a failure', {
    failure: said.kind === 'rejected' ? failureOfReport(said, upstream) : undefined,
    retryAfterMs: said.kind === 'throttled' ? said.waitMs : undefined,
    ofModel: said.kind === 'misconfigured' && said.ofModel ? true : undefined,
  })

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

/** Codes about the account's balance or standing, at any status (protocols §1.7). */
const BILLING_CODES = [
  'insufficient_quota',
  'insufficient_user_quota',
  'credit_balance_exhausted',
  'organization_spend_limit_exceeded',
  'project_spend_limit_exceeded',
  'organization_usage_limit_exceeded',
  'billing_hard_limit_reached',
  'billing_not_active',
  'invalid_api_key',
]
const MODERATION_CODES = ['moderation_blocked', 'content_policy_violation', 'image_content_policy_violation']

/** Whether a sentence tells of refused content, at upstreams without a code for it. */
export const mentionsModeration = (words: string | undefined): boolean =>
  /\bnsfw\b|\bsafety\b|moderat|content.?policy/i.test(words ?? '')

const isModerated = ({ moderated, code }: ErrorReport): boolean => moderated ?? MODERATION_CODES.includes(code ?? '')

function kindOfReport(status: number, said: ErrorReport): ProviderErrorKind {
  const { code = '', type = '', kind } = said
  if (kind) return kind
  if (isModerated(said)) return 'rejected'
  if (BILLING_CODES.includes(code) || BILLING_CODES.includes(type)) return 'misconfigured'
  if (code === 'rate_limit_exceeded') return 'throttled'
  return status < 300 ? 'unavailable' : kindOfStatus(status)
}

/** Statuses about the form, the length or the content of a request (RFC 9110 §15.5, RFC 6585 §5, RFC 7725). */
const REQUEST_STATUSES = [400, 406, 411, 413, 414, 415, 422, 431, 451]

/** Statuses about the credential or its balance (RFC 9110 §15.5). */
const ACCOUNT_STATUSES = [401, 402, 403]

/** The kind of a failure by its HTTP status. A provider's error reader overrides it. */
export function kindOfStatus(status: number): ProviderErrorKind {
  if (REQUEST_STATUSES.includes(status)) return 'rejected'
  if (status === 429) return 'throttled'
  // Any other status, such as a redirect during maintenance, may pass.
  return ACCOUNT_STATUSES.includes(status) || isNotFoundStatus(status) ? 'misconfigured' : 'unavailable'
}

/** Whether a status means that a path does not exist. The path may be that of one model. */
export const isNotFoundStatus = (status: number): boolean => status === 404 || status === 405 || status === 410

function failureOfReport(said: ErrorReport, upstream: Upstream): Failure {
  const { message } = said
  const [param, code = 'invalid_value'] = [said.param, said.code].map(upstreamIdentifier)
  const words = message ? upstreamSentence(message, upstream.credential) : 'The upstream refused the request.'
  if (isModerated(said)) return { code: 'content_rejected', message: words, reason: 'moderation_blocked' }
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
