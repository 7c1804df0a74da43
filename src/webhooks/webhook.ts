import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import type { Config } from '../config'
import { GatewayError } from '../runtime/errors'
import { DeadlineExceeded, withDeadline } from '../runtime/deadline'
import { publicUrl, RefusedUrl } from '../runtime/public-url'
import { DAY_MS } from '../limits/meter'

/*
 * Webhooks as Standard Webhooks 1.0.0 has them (protocols §8.1), so that receivers can check them with its libraries.
 */

type UrlSettings = Pick<Config, 'allowPrivateUrls'>

const MAX_URL = 2048

/** The URL that a caller wants events to be sent to, by a parameter. Throws GatewayError `invalid_request`. */
export function webhookUrl(address: string, settings: UrlSettings, param: string): string {
  const why = refusalOf(address, settings)
  if (why === undefined) return new URL(address).href
  const message = `Invalid '${param}': ${why}. Name an https URL on the public internet, of at most ${MAX_URL} characters.`
  throw new GatewayError({ code: 'invalid_request', message, param, reason: 'invalid_value' })
}

function refusalOf(address: string, settings: UrlSettings): string | undefined {
  try {
    return receiverAt(address, settings).href.length > MAX_URL ? 'it is too long' : undefined
  } catch (error) {
    if (error instanceof RefusedUrl) return error.message
    throw error
  }
}

const receiverAt = (address: string, { allowPrivateUrls }: UrlSettings): URL =>
  publicUrl(address, { schemes: ['https:'], allowPrivateUrls })

const SECRET_PREFIX = 'whsec_'

/** The secret that a team's events are signed with, of one version: 32 bytes that need not be stored. */
export function signingSecret(team: string, version: number, gatewaySecret: string): string {
  const bytes = createHmac('sha256', gatewaySecret).update(`webhook-secret\n${team}\n${version}`).digest('base64')
  return SECRET_PREFIX + bytes
}

/** Those with which a team's events are signed now. */
export const signingSecrets = (team: string, { versions }: { versions: number[] }, config: Config): string[] =>
  versions.map((version) => signingSecret(team, version, config.signingSecret))

/**
 * The `webhook-signature` of an event: one signature for each secret, so that either secret verifies it.
 * @internal Exported for its tests.
 */
export function sign(id: string, timestampSeconds: number, body: string, secrets: readonly string[]): string {
  const signed = `${id}.${timestampSeconds}.${body}`
  return secrets
    .map((secret) => Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64'))
    .map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`)
    .join(' ')
}

/** An event on its way. */
export interface WebhookMessage {
  /** The same at every attempt: by this a receiver knows an event that it already has. */
  id: string
  url: string
  /** JSON. */
  body: string
}

/** What came of an attempt to deliver an event: `gone` is a receiver that wants no more of them. */
export interface Attempted {
  outcome: 'delivered' | 'failed' | 'gone'
  status?: number
  /** Why it was not delivered, in our own words. */
  error?: string
  retryAfterMs?: number
}

const TIMEOUT_MS = 20_000

/** Sends an event once; its URL is checked anew, and the answer's body is not read. Never throws. */
export async function attempt(
  { id, url, body }: WebhookMessage,
  secrets: readonly string[],
  settings: UrlSettings,
  nowMs: number,
): Promise<Attempted> {
  const timestampSeconds = Math.floor(nowMs / 1000)
  try {
    const receiver = receiverAt(url, settings)
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'darkroom-webhooks',
      'webhook-id': id,
      'webhook-timestamp': String(timestampSeconds),
      'webhook-signature': sign(id, timestampSeconds, body, secrets),
    }
    const response = await withDeadline(TIMEOUT_MS, (signal) =>
      fetch(receiver, { method: 'POST', headers, body, redirect: 'manual', signal }),
    )
    // Not waited for: what has been answered counts, whatever becomes of the connection.
    void response.body?.cancel().catch(() => {})
    return attempted(response, nowMs)
  } catch (error) {
    return { outcome: 'failed', error: troubleOf(error) }
  }
}

function attempted({ ok, status, headers }: Response, nowMs: number): Attempted {
  if (ok) return { outcome: 'delivered', status }
  if (status === 410) return { outcome: 'gone', status, error: 'The receiver wants no more webhooks (status 410).' }
  const redirects = status >= 300 && status <= 399
  const error = redirects
    ? `The receiver redirects (status ${status}), which is not followed. Name the URL that it redirects to.`
    : `The receiver answered with status ${status}.`
  const waitMs = OVERLOADED.includes(status) ? waitOf(headers.get('retry-after') ?? '', nowMs) : undefined
  return { outcome: 'failed', status, error, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) }
}

function troubleOf(error: unknown): string {
  if (error instanceof RefusedUrl) return `The URL is not allowed: ${error.message}.`
  if (error instanceof DeadlineExceeded) return `The receiver did not answer in ${TIMEOUT_MS / 1000} seconds.`
  return 'The receiver could not be reached.'
}

/** Statuses that ask for patience. */
const OVERLOADED = [429, 502, 503, 504]

/** No event is kept for years because a receiver says so. */
const MAX_WAIT_MS = DAY_MS

/** The ms of a `retry-after`, in seconds or a date (RFC 9110 §10.2.3); undefined where it says nothing. */
function waitOf(retryAfter: string, nowMs: number): number | undefined {
  const waitMs = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - nowMs
  return waitMs > 0 ? Math.min(waitMs, MAX_WAIT_MS) : undefined
}

const [SECOND_MS, MINUTE_MS, HOUR_MS] = [1000, 60_000, 3_600_000]

/** How long after each failed attempt the next one is made, but for the jitter. */
const PAUSES_MS = [5 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS, 10 * HOUR_MS]

const JITTER = 0.2

/**
 * When the attempt after this one (counted from 1) is made, in ms since 1970; undefined after the last. `random`, from 0
 * to 1, spreads what failed at the same moment.
 */
export function nextAttemptMs(
  attempt: number,
  nowMs: number,
  random: number,
  retryAfterMs: number = 0,
): number | undefined {
  const pauseMs = PAUSES_MS[attempt - 1]
  return pauseMs === undefined ? undefined : nowMs + Math.max(Math.round(pauseMs * (1 + JITTER * random)), retryAfterMs)
}
