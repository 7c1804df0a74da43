import * as z from 'zod'
import type { Failure } from '../errors'
import { type Bytes, capped, read, text } from '../streams/bytes'
import { ProviderError, type ProviderErrorKind, type Upstream, type Work } from './provider'

/** An error body longer than this is no error body. */
const MAX_ERROR_BYTES = 64 * 1024
const MAX_MESSAGE = 500

/**
 * Calls an upstream and gives back an answer with a good status; never follows a redirect, since the credential in the
 * headers goes to the configured host only. Throws ProviderError.
 */
export async function call(
  upstream: Upstream,
  { signal }: Pick<Work, 'signal'>,
  path: string,
  init: RequestInit,
): Promise<Response> {
  const response = await reach(`${upstream.baseUrl}${path}`, { ...init, redirect: 'manual', signal })
  if (response.ok) return response
  throw errorOf(response, upstream, response.body ? await errorIn(read(response.body)) : undefined)
}

/** The body of an answer that `call` gave back. */
export function bodyOf(response: Response): ReadableStream<Uint8Array> {
  if (!response.body) throw new ProviderError('unavailable', 'answered without a body')
  return response.body
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    throw new ProviderError('unavailable', 'could not be reached', {}, { cause: error })
  }
}

/** Marks whatever goes wrong while a picture's bytes are read: it was made and paid for. */
export async function* readingImage(bytes: Bytes): Bytes {
  try {
    yield* bytes
  } catch (error) {
    if (error instanceof ProviderError) throw error
    throw new ProviderError('lost', 'sent an image that could not be read', {}, { cause: error })
  }
}

/** What an HTTP status says of an upstream's failure; an adapter overrides it only where its upstream lies. */
export function kindOf(status: number): ProviderErrorKind {
  if (status === 400 || status === 413 || status === 422) return 'rejected'
  if (status === 429) return 'throttled'
  if (status === 408 || status === 409 || status >= 500) return 'unavailable'
  return 'misconfigured'
}

/** The error object of OpenAI and of those who speak like it; a relay's code may be a number, its param an empty string. */
const errorReply = z.object({
  error: z.object({
    message: z.string().nullish(),
    type: z.string().nullish(),
    code: z.union([z.string(), z.number()]).nullish(),
    param: z.string().nullish(),
  }),
})

/** What an error body says: JSON, or the first event of a stream; undefined where that cannot be read. */
export async function errorIn(bytes: Bytes): Promise<unknown> {
  try {
    const said = await text(capped(bytes, MAX_ERROR_BYTES, () => new Error('too long')))
    const [, event = said] = /^data:(.*)$/m.exec(said) ?? []
    return JSON.parse(event)
  } catch {
    return undefined
  }
}

/** Codes that speak of the account's money or standing, whatever status they come with (protocols §1.7). */
const BILLING = [
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
const MODERATION = ['moderation_blocked', 'content_policy_violation', 'image_content_policy_violation']

/** An error answer as a ProviderError; also for an answer with a good status and an error inside. */
export function errorOf(response: Response, upstream: Upstream, body: unknown): ProviderError {
  const { data } = errorReply.safeParse(body)
  const code = String(data?.error.code ?? '')
  const kind = kindOfError(response.status, code, data?.error.type ?? '')
  const failure = kind === 'rejected' ? rejection(code, data?.error, upstream) : undefined
  return new ProviderError(kind, `answered with status ${response.status}`, {
    failure,
    retryAfterMs: kind === 'throttled' ? retryAfterMs(response.headers, data?.error.message ?? '') : undefined,
    status: response.status,
    requestId: response.headers.get('x-request-id') ?? undefined,
    organization: response.headers.get('openai-organization') ?? undefined,
  })
}

function kindOfError(status: number, code: string, type: string): ProviderErrorKind {
  if (BILLING.includes(code) || BILLING.includes(type)) return 'misconfigured'
  if (MODERATION.includes(code)) return 'rejected'
  if (code === 'rate_limit_exceeded') return 'throttled'
  return status < 300 ? 'unavailable' : kindOf(status)
}

type ErrorReply = z.infer<typeof errorReply>['error']

function rejection(code: string, error: ErrorReply | undefined, upstream: Upstream): Failure {
  const moderated = MODERATION.includes(code)
  const said = error?.message ? withoutSecrets(error.message, upstream.credential) : 'The upstream refused the request.'
  return {
    code: moderated ? 'content_rejected' : 'invalid_request',
    message: said,
    ...(error?.param && WORD.test(error.param) && !moderated ? { param: error.param } : {}),
    reason: moderated ? 'moderation_blocked' : WORD.test(code) ? code : 'invalid_value',
  }
}

/** What a parameter or a code looks like, and a key does not. */
const WORD = /^[a-z][a-z_.[\]0-9]{0,63}$/

/** An upstream's sentence about the request: one line, shortened, without its keys and the ids of its own. */
function withoutSecrets(message: string, credential: string): string {
  return message
    .replaceAll(credential, '***')
    .replaceAll(/\b(?:sk|org|proj)-[\w*-]{4,}|\breq_\w+/g, '***')
    .replaceAll(/\(request id: [^)]*\)/gi, '')
    .replaceAll(/\s+/g, ' ')
    .slice(0, MAX_MESSAGE)
}

const NUMBER = /^\d+(?:\.\d+)?$/
/** No upstream is left alone for longer because of what it says. */
const MAX_WAIT_MS = 3_600_000

/** From the headers, or from "Please try again in 1m2s" (protocols §1.7); undefined where nothing is said. */
function retryAfterMs(headers: Headers, message: string): number | undefined {
  const waits = [waitOfHeaders(headers), waitOfMessage(message)]
  const waitMs = waits.find((each) => each !== undefined && each >= 0)
  return waitMs === undefined ? undefined : Math.min(waitMs, MAX_WAIT_MS)
}

function waitOfHeaders(headers: Headers): number | undefined {
  const milliseconds = headers.get('retry-after-ms') ?? ''
  if (NUMBER.test(milliseconds)) return Number(milliseconds)
  const after = headers.get('retry-after') ?? ''
  if (NUMBER.test(after)) return Number(after) * 1000
  const date = Date.parse(after)
  return Number.isNaN(date) ? undefined : date - Date.now()
}

function waitOfMessage(message: string): number | undefined {
  const [, minutes, amount, unit] = /try again in (?:(\d+)m(?=\d))?(\d+(?:\.\d+)?)(ms|s|m)\b/.exec(message) ?? []
  if (amount === undefined) return undefined
  return Number(minutes ?? 0) * 60_000 + Number(amount) * (unit === 'ms' ? 1 : unit === 's' ? 1000 : 60_000)
}
