import * as z from 'zod'
import { refusing } from '../../refusals/refuse'
import { OPENAI_IMAGES, parameterOf, fieldOfParameter } from '../../refusals/vocabulary'
import type { Failure } from '../../runtime/errors'
import { type Bytes, capped, readText } from '../../streams/bytes'
import { ProviderError, type ProviderErrorKind, type Upstream } from '../provider'
import { retryAfterMs } from './retry-after'

/** An error body longer than this is no error body. */
const MAX_ERROR_BYTES = 64 * 1024
const MAX_MESSAGE = 500

/** What an error body says, whatever its shape; each provider reads its own. */
export interface ErrorReport {
  message?: string | undefined
  code?: string | undefined
  type?: string | undefined
  /** The parameter that is at fault. */
  param?: string | undefined
  /** What it is, where neither its status nor its code tells. */
  kind?: ProviderErrorKind | undefined
  /** Whether its content is what was refused. */
  moderated?: boolean | undefined
  /** Whether only this model is out of reach. */
  ofModel?: boolean | undefined
  /** Whether that is because it knows no such model, which somebody else may. */
  isUnknown?: boolean | undefined
  /** How long it wants to be left alone, in ms, where the body says so. */
  waitMs?: number | undefined
}

/** Reads an error body of one API. */
export type ErrorReader = (body: unknown, status: number) => ErrorReport

/** The error object of OpenAI and of those who speak like it; a relay's code may be a number, its param an empty string. */
const openaiErrorReply = z.object({
  error: z.object({
    message: z.string().nullish(),
    type: z.string().nullish(),
    code: z.union([z.string(), z.number()]).nullish(),
    param: z.string().nullish(),
  }),
})

/** Reads an error body as OpenAI words it (protocols §1.7). */
export const readOpenaiError: ErrorReader = (body, status) => {
  const { message, type, code, param } = openaiErrorReply.safeParse(body).data?.error ?? {}
  const said = {
    message: message ?? undefined,
    type: type ?? undefined,
    code: code === null || code === undefined ? undefined : String(code),
    param: param ?? undefined,
  }
  // A model that is not to be had comes with any status, also with 400, as if its caller were to blame.
  const isUnknown = param === 'model' && /does not exist/.test(message ?? '')
  if (isUnknown || code === 'model_not_found' || NO_MODEL_ACCESS.test(message ?? ''))
    return { ...said, kind: 'misconfigured', ofModel: true, isUnknown }
  return isOfRequest(said, status) ? { ...said, kind: 'rejected' } : said
}

/** What OpenAI, and relays of the new-api family, say with status 403 of a model, or an operation, that is not for this key. */
const NO_MODEL_ACCESS =
  /insufficient permissions|must be verified to use the model|not allowed to sample from this model|not have access to model|无权(?:访问|使用)模型/i

/** What is said with status 403 of whose a key is and what it may do, and not of what it was asked. */
const KEY_WORDS = /\b(?:permissions?|scopes?|roles?|organi[sz]ations?|projects?|billing)\b/i

/** What OpenAI says of something that a request refers to by its id. */
const NO_SUCH_OBJECT = /\bwith id\b.*\bnot found\b|^No such \w+ object/i

/** Whether a status that otherwise speaks of the account, or of the model, comes of what the request asks for besides. */
function isOfRequest({ message = '', type, code, param }: ErrorReport, status: number): boolean {
  if (status === 403) return type === 'invalid_request_error' && !code && !KEY_WORDS.test(message)
  return status === 404 && (Boolean(param && param !== 'model') || NO_SUCH_OBJECT.test(message))
}

/** What an error body says: JSON, or the first event of a stream, or a text as it is; undefined where it cannot be read. */
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

/** An error answer as a ProviderError; also for an answer with a good status and an error inside. */
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
 * Whether somebody who stands before the API forbids a request with a web page: what is in it may be all that they mind, so
 * that it says nothing of the account.
 */
const isPage = ({ status, headers }: Response): boolean =>
  (status === 401 || status === 403) && /^text\/html\b/i.test(headers.get('content-type') ?? '')

/** What upstreams call their own id of a request: OpenAI, then Azure and the relays of the new-api family (protocols §2.1, §6.1). */
const REQUEST_ID_HEADERS = ['x-request-id', 'apim-request-id', 'x-ms-request-id', 'x-oneapi-request-id']

/** An upstream's own id of a request. */
export const requestIdOf = (headers: Headers): string | undefined =>
  REQUEST_ID_HEADERS.map((name) => headers.get(name)).find((id) => id !== null) ?? undefined

/** What a job, or a good answer, says of its own failure. */
export const errorOfReport = (said: ErrorReport & { kind: ProviderErrorKind }, upstream: Upstream): ProviderError =>
  new ProviderError(said.kind, said.moderated ? 'refused the content' : 'told of a failure', {
    failure: said.kind === 'rejected' ? failureOfReport(said, upstream) : undefined,
    retryAfterMs: said.kind === 'throttled' ? said.waitMs : undefined,
    ofModel: said.kind === 'misconfigured' && said.ofModel ? true : undefined,
  })

/** Codes that speak of the account's money or standing, whatever status they come with (protocols §1.7). */
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

/** Whether a sentence says that content was refused, at an upstream that has no code for it. */
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

/** What speaks of the request alone: of its form, its length or its content (RFC 9110 §15.5, RFC 6585 §5, RFC 7725). */
const REQUEST_STATUSES = [400, 406, 411, 413, 414, 415, 422, 431, 451]

/** What speaks of the credential, or of what it has left (RFC 9110 §15.5). */
const ACCOUNT_STATUSES = [401, 402, 403]

/** What an HTTP status says of an upstream's failure; a reader of its words overrides it where its upstream lies. */
export function kindOfStatus(status: number): ProviderErrorKind {
  if (REQUEST_STATUSES.includes(status)) return 'rejected'
  if (status === 429) return 'throttled'
  // What says neither may pass, such as a redirect during maintenance.
  return ACCOUNT_STATUSES.includes(status) || isNotFoundStatus(status) ? 'misconfigured' : 'unavailable'
}

/** Whether a status says that there is nothing at a path, which may be that of one model. */
export const isNotFoundStatus = (status: number): boolean => status === 404 || status === 405 || status === 410

function failureOfReport(said: ErrorReport, upstream: Upstream): Failure {
  const { message, param, code = '' } = said
  const words = message ? withoutSecrets(message, upstream.credential) : 'The upstream refused the request.'
  if (isModerated(said)) return { code: 'content_rejected', message: words, reason: 'moderation_blocked' }
  return refusing({
    reason: 'upstream',
    words,
    code: IDENTIFIER.test(code) ? code : 'invalid_value',
    ...(param && IDENTIFIER.test(param) ? { field: fieldOfParameter(param) } : {}),
  })
}

/** What an upstream says of a request that it refuses, and the parameter that it names; undefined for other failures. */
export function refusalBy({ facts: { failure } }: ProviderError): { words: string; param?: string } | undefined {
  if (!failure || !('refusal' in failure) || failure.refusal.reason !== 'upstream') return undefined
  const { words, field } = failure.refusal
  return { words, ...(field === undefined ? {} : { param: parameterOf(field, OPENAI_IMAGES) }) }
}

/** What a parameter or a code looks like, and a key does not. */
const IDENTIFIER = /^[a-z][a-z_.[\]0-9]{0,63}$/

/** An upstream's sentence about the request: one line, shortened, without its keys and the ids of its own. */
function withoutSecrets(message: string, credential: string): string {
  return message
    .replaceAll(credential || /$^/g, '***')
    .replaceAll(/\b(?:sk|org|proj)-[\w*-]{4,}|\breq_\w+/g, '***')
    .replaceAll(/\(request id: [^)]*\)/gi, '')
    .replaceAll(/\s+/g, ' ')
    .slice(0, MAX_MESSAGE)
}
