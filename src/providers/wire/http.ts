import type * as z from 'zod'
import { publicUrl } from '../../runtime/public-url'
import { type Bytes, capped, readStream, readText } from '../../streams/bytes'
import { jsonBody } from '../../streams/json-body'
import type { PartedBody } from '../../streams/parts'
import { ProviderError, type Upstream, type Work } from '../provider'
import { readErrorBody, type ErrorReader, errorOfResponse } from './upstream-error'

/** A request to an upstream. */
export interface UpstreamRequest {
  method?: 'GET' | 'POST' | 'PUT'
  /** The headers that hold the credential. */
  account: Record<string, string>
  headers?: Record<string, string>
  body?: string | ReadableStream<Uint8Array>
  /** A body with the caller's pictures in it, in the place of `body`. */
  parted?: PartedBody
  /** Whether it asks how a job stands, or ends it, so that nothing is bought by it. */
  buysNothing?: true
  /** The domain of the upstream's maker, hosts of which an answer may name: they are as good as the configured one. */
  domain?: string
}

/** The header in which most upstreams want their credential. */
export const bearer = ({ credential }: Upstream): UpstreamRequest['account'] => ({
  authorization: `Bearer ${credential}`,
})

/** What makes a request one of JSON, in which pictures may be embedded. */
export const jsonRequest = (fields: unknown): Required<Pick<UpstreamRequest, 'headers' | 'parted'>> => ({
  headers: { 'content-type': 'application/json' },
  parted: jsonBody(fields),
})

const MODEL_PATH = /^(?:[@\w][\w.:+-]*\/)*[@\w][\w.:+-]*$/

/** A model's name as a part of a path. Throws ProviderError where it would lead elsewhere: a client may have chosen it. */
export function modelInPath(model: string): string {
  if (!MODEL_PATH.test(model))
    throw new ProviderError('misconfigured', 'has no model of such a name', { ofModel: true })
  return model
}

/**
 * Calls an upstream, at a path under its base URL or at a URL that one of its answers named, and gives back an answer with
 * a good status; never follows a redirect. The credential goes to the configured host only, and to the maker's own domain
 * where that is the configured host's; nobody is asked at a private address that an answer named. Throws ProviderError.
 */
export async function callUpstream(
  upstream: Upstream,
  { signal }: Pick<Work, 'signal'>,
  to: string,
  ask: UpstreamRequest,
  readError?: ErrorReader,
): Promise<Response> {
  const { account, headers, domain, parted, method = 'POST', body = parted?.body } = ask
  const url = to.startsWith('/') ? `${upstream.baseUrl}${to}` : to
  const isOwn = to.startsWith('/') || isUpstreamUrl(upstream, to, domain)
  if (!isOwn) refusePrivateUrl(to)
  const all = { ...headers, ...(isOwn ? account : {}) }
  const startedMs = Date.now()
  try {
    const response = await sendRequest(url, { method, headers: all, body: body ?? null, redirect: 'manual', signal })
    if (response.ok) return response
    throw errorOfResponse(
      response,
      upstream,
      response.body ? await readErrorBody(readStream(response.body)) : undefined,
      readError,
    )
  } catch (error) {
    const buys = method === 'POST' && !ask.buysNothing
    // An upstream that got half a body is not to blame for what it says.
    throw parted?.unopened() ?? (buys ? possiblyPaidError(error, parted ? parted.sentMs() : startedMs) : error)
  }
}

/** Whoever has had all of a request for so long, in ms, has taken it: its picture may be made and billed all the same. */
const TAKEN_MS = 5000
/** What somebody in between says who has waited in vain; 524 is Cloudflare's own. */
const PROXY_TIMEOUT_STATUSES = [504, 524]

/** A failure of a request that was sent at a moment, or never: a loss where what it asks for may have been paid for. */
function possiblyPaidError(error: unknown, sentMs = Infinity): unknown {
  if (!(error instanceof ProviderError) || error.kind !== 'unavailable' || Date.now() - sentMs < TAKEN_MS) return error
  const { status } = error.facts
  const isGivenUp = status !== undefined && PROXY_TIMEOUT_STATUSES.includes(status)
  if (status !== undefined && !isGivenUp) return error
  const code = isGivenUp ? ('timed_out' as const) : undefined
  return new ProviderError('lost', error.message, { ...error.facts, code }, { cause: error })
}

/** Whether a URL that an answer named is one of the configured host, or of the domain that both belong to. */
function isUpstreamUrl({ baseUrl }: Upstream, address: string, domain: string | undefined): boolean {
  const [own, named] = [new URL(baseUrl), URL.canParse(address) ? new URL(address) : undefined]
  if (named?.origin === own.origin) return true
  const isIn = ({ hostname }: URL): boolean => domain !== undefined && hostname.endsWith(`.${domain}`)
  return named?.protocol === 'https:' && isIn(own) && isIn(named)
}

/** Whoever answers may be anybody, and is not to have the gateway look around where only that can. */
function refusePrivateUrl(address: string): void {
  try {
    publicUrl(address, { schemes: ['https:'], allowPrivateUrls: false })
  } catch (error) {
    throw new ProviderError('misconfigured', 'named a URL that is not followed', {}, { cause: error })
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
  if (!response.body) throw new ProviderError('unavailable', 'answered without a body')
  return response.body
}

/** An answer without pictures in it is no longer than this. */
const MAX_REPLY_BYTES = 1024 * 1024

/** What a short JSON answer says. Throws ProviderError where it is none, or not what the API promises. */
export async function readJsonReply<Reply>(response: Response, schema: z.ZodType<Reply>): Promise<Reply> {
  const tooLong = (): Error => new Error('too long')
  try {
    return schema.parse(JSON.parse(await readText(capped(readStream(bodyStream(response)), MAX_REPLY_BYTES, tooLong))))
  } catch (error) {
    throw unexpectedAnswer(error)
  }
}

/** Why an answer could not be made anything of. */
export const unexpectedAnswer = (error: unknown): ProviderError =>
  new ProviderError('unavailable', 'answered with something else than its API promises', {}, { cause: error })

/** Marks whatever goes wrong while a picture's bytes are read: it was made and paid for. */
export async function* readingImage(bytes: Bytes): Bytes {
  try {
    yield* bytes
  } catch (error) {
    if (error instanceof ProviderError) throw error
    throw new ProviderError('lost', 'sent an image that could not be read', {}, { cause: error })
  }
}
