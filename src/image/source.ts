import { publicUrl, RefusedUrl, type UrlRules } from '../public-url'
import { type Bytes, read } from '../streams/bytes'

/** What a URL may lead to, and for how long it is read. */
export interface FetchRules extends UrlRules {
  signal?: AbortSignal
}

/** Why a URL was not read; the message is fit for the caller. */
export class UnreadableUrl extends Error {}

/** A host that fails, or breaks off before the first byte, may do better the next time. */
class TryAgain extends UnreadableUrl {}

const TRIES = 3
const MAX_REDIRECTS = 3
const FETCH_TIMEOUT_MS = 60_000

/**
 * Reads a picture from a URL that a caller, or an upstream's answer, named: public hosts only, each of at most three
 * redirects checked anew, in a minute at most, and nothing of ours sent along. The reader caps and sniffs the bytes.
 * Throws UnreadableUrl.
 */
export async function* fetchImage(address: string, rules: FetchRules): Bytes {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), FETCH_TIMEOUT_MS)
  const signal = rules.signal ? AbortSignal.any([rules.signal, controller.signal]) : controller.signal
  try {
    yield* read(await find(address, rules, signal))
  } catch (error) {
    throw error instanceof UnreadableUrl ? error : new UnreadableUrl('its host broke off', { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

async function find(address: string, rules: FetchRules, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  for (let tries = 1; ; tries++) {
    try {
      return await follow(address, rules, signal)
    } catch (error) {
      if (!(error instanceof TryAgain) || tries === TRIES || signal.aborted) throw error
    }
  }
}

async function follow(address: string, rules: FetchRules, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
  let url = checked(address, rules)
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await reach(url, signal)
    if (response.ok && response.body) return response.body
    await response.body?.cancel()
    const location = response.headers.get('location')
    if (response.status < 300 || response.status > 399 || !location) {
      const Unread = response.status >= 500 ? TryAgain : UnreadableUrl
      throw new Unread(`its host answered with status ${response.status}`)
    }
    if (!URL.canParse(location, url)) throw new UnreadableUrl('it redirects to what is no URL')
    url = checked(new URL(location, url).href, rules)
  }
  throw new UnreadableUrl(`it redirects more than ${MAX_REDIRECTS} times`)
}

async function reach(url: URL, signal: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { redirect: 'manual', signal, headers: { accept: 'image/*' } })
  } catch (error) {
    throw new TryAgain('its host did not answer', { cause: error })
  }
}

function checked(address: string, rules: UrlRules): URL {
  try {
    return publicUrl(address, rules)
  } catch (error) {
    throw error instanceof RefusedUrl ? new UnreadableUrl(error.message) : error
  }
}
