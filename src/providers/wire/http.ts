import type * as z from 'zod'
import type { Failure } from '../../failures/errors'
import { ForbiddenUrl, UnreadableUrl } from '../../image/source'
import { HOPS_HEADER } from '../../runtime/hops'
import { publicUrl } from '../../runtime/public-url'
import { type Bytes, capped, readStream, readText } from '../../streams/bytes'
import { jsonBody } from '../../streams/json-body'
import type { PartedBody } from '../../streams/parts'
import { ProviderError, type Upstream, type Work } from '../provider'
import { readErrorBody } from './error-body'
import type { ErrorReader } from './error-report'
import { noteBuying, TAKEN_MS, unusableAnswer } from './unusable-answer'
import { errorOfResponse } from './upstream-error'

/** A request to an upstream. */
export interface UpstreamRequest {
  method?: 'GET' | 'POST' | 'PUT'
  /** The headers with the credential. */
  account: Record<string, string>
  headers?: Record<string, string>
  body?: string | ReadableStream<Uint8Array>
  /** A body with input pictures, in place of `body`. */
  parted?: PartedBody
  /** Whether the request reads or cancels a job, and so costs nothing. */
  buysNothing?: true
  /** The maker's domain. An answer may name its hosts, which count as the upstream's own. */
  domain?: string
}

/** The credential as most upstreams take it. */
export const bearer = ({ credential }: Upstream): UpstreamRequest['account'] => ({
  authorization: `Bearer ${credential}`,
})

/** A JSON request, with embedded pictures if the fields hold any. */
export const jsonRequest = (fields: unknown): Required<Pick<UpstreamRequest, 'headers' | 'parted'>> => ({
  headers: { 'content-type': 'application/json' },
  parted: jsonBody(fields),
})

const MODEL_PATH = /^(?:[@\w][\w.:+-]*\/)*[@\w][\w.:+-]*$/

/**
 * A model's name as a part of a path. A client may choose the name, so one that leads elsewhere throws ProviderError.
 */
export function modelInPath(model: string): string {
  if (!MODEL_PATH.test(model))
    throw new ProviderError('misconfigured', 'has no model with this name', { scope: 'model' })
  return model
}

/**
 * Calls an upstream at a path under its base URL, or at a URL that one of its answers named.
 * Returns an answer with a good status and never follows a redirect.
 * The credential goes only to the configured host, and to the maker's domain if that host belongs to it. A named URL at
 * a private address is refused. Throws ProviderError.
 */
export async function callUpstream(
  upstream: Upstream,
  { signal, hops }: Pick<Work, 'signal' | 'hops'>,
  to: string,
  ask: UpstreamRequest,
  readError?: ErrorReader,
): Promise<Response> {
  const { account, headers, domain, parted, method = 'POST', body = parted?.body } = ask
  const url = to.startsWith('/') ? `${upstream.baseUrl}${to}` : to
  const isOwn = to.startsWith('/') || isUpstreamUrl(upstream, to, domain)
  if (!isOwn) refusePrivateUrl(to)
  const all = { ...headers, ...(isOwn ? { ...account, ...hopsHeader(hops) } : {}) }
  const startedMs = Date.now()
  const buys = method === 'POST' && !ask.buysNothing
  try {
    const response = await sendRequest(url, { method, headers: all, body: body ?? null, redirect: 'manual', signal })
    if (buys) noteBuying(response, parted ? parted.sentMs() : startedMs)
    return await requireSuccess(response, upstream, readError)
  } catch (error) {
    // The upstream's error is only a result of the broken-off body.
    throw parted?.unopened() ?? (buys ? possiblyPaidError(error, parted ? parted.sentMs() : startedMs) : error)
  }
}

const hopsHeader = (hops: string | undefined): Record<string, string> =>
  hops === undefined ? {} : { [HOPS_HEADER]: hops }

/** The answer of a successful call. Throws ProviderError for an error answer, after its body. */
export async function requireSuccess(
  response: Response,
  upstream: Upstream,
  readError?: ErrorReader,
): Promise<Response> {
  if (response.ok) return response
  const body = response.body ? await readErrorBody(readStream(response.body)) : undefined
  throw errorOfResponse(response, upstream, body, readError)
}

/** Timeout statuses of a proxy in front of the upstream. 524 is Cloudflare's. */
const PROXY_TIMEOUT_STATUSES = [504, 524]

/**
 * Turns `unavailable` into `lost` if the upstream had the whole request long enough to bill it. An undefined `sentMs`
 * means that the request was not sent.
 */
function possiblyPaidError(error: unknown, sentMs = Infinity): unknown {
  if (!(error instanceof ProviderError) || error.kind !== 'unavailable' || Date.now() - sentMs < TAKEN_MS) return error
  const { status } = error.facts
  const isGivenUp = status !== undefined && PROXY_TIMEOUT_STATUSES.includes(status)
  if (status !== undefined && !isGivenUp) return error
  const code = isGivenUp ? ('timed_out' as const) : undefined
  return new ProviderError('lost', error.message, { ...error.facts, code }, { cause: error })
}

/** Whether a named URL belongs to the configured host, or to the maker's domain together with that host. */
function isUpstreamUrl({ baseUrl }: Upstream, address: string, domain: string | undefined): boolean {
  const [own, named] = [new URL(baseUrl), URL.canParse(address) ? new URL(address) : undefined]
  if (named?.origin === own.origin) return true
  const isIn = ({ hostname }: URL): boolean => domain !== undefined && hostname.endsWith(`.${domain}`)
  return named?.protocol === 'https:' && isIn(own) && isIn(named)
}

/** An answer must not make the gateway call hosts inside its own network. */
function refusePrivateUrl(address: string): void {
  try {
    publicUrl(address, { schemes: ['https:'], allowPrivateUrls: false })
  } catch (error) {
    throw new ProviderError('lost', 'named a URL that is not followed', {}, { cause: error })
  }
}

async function sendRequest(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    throw new ProviderError('unavailable', 'could not be reached', {}, { cause: error })
  }
}

/** Whether an answer is a stream of server-sent events, by its content type. */
export const isEventStream = ({ headers }: Response): boolean =>
  /^text\/event-stream\b/i.test(headers.get('content-type') ?? '')

/** Whether an answer is text or JSON, by its content type. */
export const isTextReply = ({ headers }: Response): boolean =>
  /^(?:text\/|application\/json)/i.test(headers.get('content-type') ?? '')

/** The body of an answer of `callUpstream`. Throws ProviderError when it has none. */
export function bodyStream(response: Response): ReadableStream<Uint8Array> {
  if (!response.body) throw unusableAnswer(response, 'answered without a body')
  return response.body
}

/** The limit of an answer without pictures. */
const MAX_REPLY_BYTES = 1024 * 1024

/** Parses a short JSON answer. Throws ProviderError when it does not fit the schema. */
export async function readJsonReply<Reply>(response: Response, schema: z.ZodType<Reply>): Promise<Reply> {
  const tooLong = (): Error => new Error('too long')
  let text: string | undefined
  try {
    text = await readText(capped(readStream(bodyStream(response)), MAX_REPLY_BYTES, tooLong))
    // Trimming drops a byte order mark, too.
    return schema.parse(JSON.parse(text.trim()))
  } catch (error) {
    throw unexpectedAnswer(response, error, text)
  }
}

/** The error for an answer that does not fit the API. Without `said`, it could not be read. */
export function unexpectedAnswer(response: Response, error: unknown, said?: unknown): ProviderError {
  if (error instanceof ProviderError) return error
  const content = said === undefined ? { isEmpty: false } : { said }
  return unusableAnswer(response, 'answered outside of its API', { ...content, cause: error })
}

/** A link into the upstream's own network. Its operator has not set its public address. */
const UNREACHABLE: Failure = {
  code: 'upstream_failed',
  message:
    'The upstream links its images to an address that the internet cannot reach. Its operator has to set its public address.',
  retry: false,
}

/**
 * Turns a failure within a picture's bytes into `lost`, because the picture was paid for. A link without a picture is
 * not bought again at its account.
 */
export async function* readingImage(bytes: Bytes): Bytes {
  try {
    yield* bytes
  } catch (error) {
    if (error instanceof ProviderError) throw error
    if (error instanceof ForbiddenUrl) {
      const facts = { isUnusable: true, isOfUpstream: true, failure: UNREACHABLE } as const
      throw new ProviderError('lost', 'links its image to an address that is not asked', facts, { cause: error })
    }
    const facts = error instanceof UnreadableUrl ? ({ isUnusable: true } as const) : {}
    throw new ProviderError('lost', 'sent an unreadable image', facts, { cause: error })
  }
}
