import { pause } from '../runtime/deadline'
import { publicUrl, RefusedUrl, type UrlRules } from '../runtime/public-url'
import { type Bytes, readStream } from '../streams/bytes'

/** The server that an address comes from. */
export interface OwnServer {
  /** Relative addresses are resolved against it. */
  baseUrl: string
  /** The headers with a credential, for its origin alone. Without them its origin is a host like any other. */
  headers?: Record<string, string>
}

/** The allowed targets of a URL, and the signal that ends its reading. */
export interface FetchRules extends UrlRules {
  /** An origin with headers may be private, because the settings name it. */
  own?: OwnServer | undefined
  signal?: AbortSignal
  /** Whether the picture is paid for. Its host gets more time then. */
  isPaidFor?: true
  /** Runs before each GET, a redirect's too; it may throw UnreadableUrl. */
  beforeGet?: () => void
}

/** The URL was not read. The message is fit for clients. */
export class UnreadableUrl extends Error {}

/** The URL leads to a place that is never asked, such as a private network. */
export class ForbiddenUrl extends UnreadableUrl {}

/** The host failed before the first byte. Another attempt may succeed. */
class TryAgain extends UnreadableUrl {}

/** The pauses before further attempts, in ms. Paid pictures get longer ones. */
const GIVEN_URL_PAUSES_MS = [0, 0]
const PAID_PAUSES_MS = [250, 1000, 3000]
/** Statuses of a host that does not have a new picture yet, or is overloaded. */
const NOT_YET = [404, 408, 429]
const MAX_REDIRECTS = 3
const FETCH_TIMEOUT_MS = 60_000

/**
 * Reads a picture from a URL in a client's request or in an upstream's answer. Throws UnreadableUrl.
 * Hosts are public, up to three redirects are followed and checked, and the time is one minute. A credential is sent only
 * to the origin of `own`, if it wants one. The caller limits and checks the bytes.
 */
export async function* fetchImage(address: string, rules: FetchRules): Bytes {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), FETCH_TIMEOUT_MS)
  const signal = rules.signal ? AbortSignal.any([rules.signal, controller.signal]) : controller.signal
  try {
    yield* readStream(await fetchWithRetries(address, rules, signal))
  } catch (error) {
    throw error instanceof UnreadableUrl ? error : new UnreadableUrl('its host broke off the answer', { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

async function fetchWithRetries(
  address: string,
  rules: FetchRules,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  for (const pauseMs of rules.isPaidFor ? PAID_PAUSES_MS : GIVEN_URL_PAUSES_MS) {
    try {
      return await followRedirects(address, rules, signal)
    } catch (error) {
      if (!(error instanceof TryAgain) || signal.aborted) throw error
      await pause(pauseMs, signal)
    }
  }
  return await followRedirects(address, rules, signal)
}

async function followRedirects(
  address: string,
  rules: FetchRules,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  let url = allowedUrl(resolved(address, rules.own), rules)
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    rules.beforeGet?.()
    const response = await fetchWithKey(url, rules, signal)
    if (response.ok && response.body) return response.body
    await response.body?.cancel()
    const location = response.headers.get('location')
    if (response.status < 300 || response.status > 399 || !location) {
      const mayPass = response.status >= 500 || (rules.isPaidFor && NOT_YET.includes(response.status))
      throw new (mayPass ? TryAgain : UnreadableUrl)(`its host answered with status ${response.status}`)
    }
    if (!URL.canParse(location, url)) throw new UnreadableUrl('it redirects to an invalid URL')
    url = allowedUrl(new URL(location, url).href, rules)
  }
  throw new UnreadableUrl(`it redirects more than ${MAX_REDIRECTS} times`)
}

/** Statuses of a picture that wants a credential (RFC 9110 §15.5). */
const WANTS_KEY = [401, 403]

/** Asks with the credential of the URL's own server if it wants one. A signed URL takes none. */
async function fetchWithKey(url: URL, { own, beforeGet }: FetchRules, signal: AbortSignal): Promise<Response> {
  const response = await fetchOnce(url, {}, signal)
  const headers = trustedHeaders(own, url)
  if (!headers || !WANTS_KEY.includes(response.status)) return response
  await response.body?.cancel()
  beforeGet?.()
  return await fetchOnce(url, headers, signal)
}

async function fetchOnce(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { redirect: 'manual', signal, headers: { accept: 'image/*', ...headers } })
  } catch (error) {
    throw new TryAgain('its host did not answer', { cause: error })
  }
}

/** The headers for a URL at the origin of its own server. */
const trustedHeaders = (own: OwnServer | undefined, { origin }: URL): OwnServer['headers'] =>
  own && origin === new URL(own.baseUrl).origin ? own.headers : undefined

/** An address of its own server may lack the origin, or the whole path in front of it. */
function resolved(address: string, own: OwnServer | undefined): string {
  if (!own || URL.canParse(address)) return address
  const base = new URL(own.baseUrl)
  base.pathname = `${base.pathname.replace(/\/+$/, '')}/`
  return URL.canParse(address, base) ? new URL(address, base).href : address
}

function allowedUrl(address: string, rules: FetchRules): URL {
  try {
    const isTrusted = URL.canParse(address) && trustedHeaders(rules.own, new URL(address)) !== undefined
    return publicUrl(address, isTrusted ? { ...rules, allowPrivateUrls: true } : rules)
  } catch (error) {
    throw error instanceof RefusedUrl ? new ForbiddenUrl(error.message) : error
  }
}
