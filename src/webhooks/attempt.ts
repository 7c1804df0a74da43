import { DeadlineExceeded, withDeadline } from '../runtime/deadline'
import { DAY_MS } from '../runtime/durations'
import { RefusedUrl } from '../runtime/public-url'
import { retryAfterHeaderMs } from '../runtime/retry-after'
import { webhookSignature } from './signing'
import { receiverUrl, type WebhookUrlRules } from './url'

export interface WebhookMessage {
  /** The same at every attempt; receivers recognise repeated events by it. */
  id: string
  url: string
  /** JSON. */
  body: string
}

/** The result of one attempt; `gone` means that the receiver wants no more events. */
export interface WebhookAttempt {
  outcome: 'delivered' | 'failed' | 'gone'
  /** The HTTP status of the answer. */
  status?: number
  /** The reason of a failure, as a sentence for people. */
  error?: string
  retryAfterMs?: number
}

const TIMEOUT_MS = 20_000

/** Posts an event once, to a URL that is checked again; the answer's body is not read. Never throws. */
export async function attemptWebhook(
  { id, url, body }: WebhookMessage,
  secrets: readonly string[],
  rules: WebhookUrlRules,
  nowMs: number,
): Promise<WebhookAttempt> {
  const timestampSeconds = Math.floor(nowMs / 1000)
  try {
    const receiver = receiverUrl(url, rules)
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'darkroom-webhooks',
      'webhook-id': id,
      'webhook-timestamp': String(timestampSeconds),
      'webhook-signature': webhookSignature(id, timestampSeconds, body, secrets),
    }
    const response = await withDeadline(TIMEOUT_MS, (signal) =>
      fetch(receiver, { method: 'POST', headers, body, redirect: 'manual', signal }),
    )
    // The status alone decides: the end of the connection is not waited for.
    void response.body?.cancel().catch(() => {})
    return attemptOf(response, nowMs)
  } catch (error) {
    return { outcome: 'failed', error: attemptError(error) }
  }
}

function attemptOf({ ok, status, headers }: Response, nowMs: number): WebhookAttempt {
  if (ok) return { outcome: 'delivered', status }
  if (status === 410) return { outcome: 'gone', status, error: 'The receiver wants no more webhooks (status 410).' }
  const redirects = status >= 300 && status <= 399
  const error = redirects
    ? `The receiver redirects (status ${status}), which is not followed. Name the URL that it redirects to.`
    : `The receiver answered with status ${status}.`
  const waitMs = OVERLOADED.includes(status) ? (retryAfterHeaderMs(headers.get('retry-after'), nowMs) ?? 0) : 0
  return { outcome: 'failed', status, error, ...(waitMs > 0 ? { retryAfterMs: Math.min(waitMs, MAX_WAIT_MS) } : {}) }
}

function attemptError(error: unknown): string {
  if (error instanceof RefusedUrl) return `The URL is not allowed: ${error.message}.`
  if (error instanceof DeadlineExceeded) return `The receiver did not answer in ${TIMEOUT_MS / 1000} seconds.`
  return 'The receiver could not be reached.'
}

/** Only these statuses make `retry-after` count. */
const OVERLOADED = [429, 502, 503, 504]

/** A longer `retry-after` counts as a day: the gateway does not keep events for years. */
const MAX_WAIT_MS = DAY_MS
