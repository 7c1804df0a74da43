import { pause } from '../runtime/deadline'
import { publicUrl, RefusedUrl, type UrlRules } from '../runtime/public-url'
import { type Bytes, readStream } from '../streams/bytes'

/** The allowed targets of a URL, and the signal that ends its reading. */
export interface FetchRules extends UrlRules {
  signal?: AbortSignal
  /** Whether the picture is paid for. Its host gets more time then. */
  isPaidFor?: true
  /** Runs before each GET, a redirect's too; it may throw UnreadableUrl. */
  beforeGet?: () => void
}

/** The URL was not read. The message is fit for clients. */
export class UnreadableUrl extends Error {}

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
 * Hosts are public, up to three redirects are followed and checked, and the time is one minute. No credential is sent.
 * The caller limits and checks the bytes.
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
  let url = allowedUrl(address, rules)
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    rules.beforeGet?.()
    const response = await fetchOnce(url, signal)
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

async function fetchOnce(url: URL, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { redirect: 'manual', signal, headers: { accept: 'image/*' } })
  } catch (error) {
    throw new TryAgain('its host did not answer', { cause: error })
  }
}

function allowedUrl(address: string, rules: UrlRules): URL {
  try {
    return publicUrl(address, rules)
  } catch (error) {
    throw error instanceof RefusedUrl ? new UnreadableUrl(error.message) : error
  }
}
