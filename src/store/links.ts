import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { type Failure, type Result, failed, ok } from '../errors'
import * as images from './images'

/** Links that differ only in their second of birth would defeat every cache on their way. */
const ROUNDING_SECONDS = 3600

/** How links are made and checked. */
export interface LinkSettings {
  signingSecret: string
  imageUrlTtlSeconds: number
}

/**
 * A link that shows the image under a key to whoever holds it, for at least `imageUrlTtlSeconds` and at most an hour, or
 * that time again, longer.
 */
export function link(origin: string, key: string, settings: LinkSettings, nowMs: number): string {
  const step = Math.min(ROUNDING_SECONDS, settings.imageUrlTtlSeconds)
  const expires = Math.ceil((nowMs / 1000 + settings.imageUrlTtlSeconds) / step) * step
  return `${origin}/${key}?exp=${expires}&sig=${signature(key, expires, settings.signingSecret)}`
}

/** The key that a link of ours shows, and for how many seconds more; or why it shows nothing. */
export function verify(url: URL, settings: LinkSettings, nowMs: number): Result<{ key: string; secondsLeft: number }> {
  const key = images.keyOfPath(url.pathname)
  const expires = Number(url.searchParams.get('exp'))
  const given = Buffer.from(url.searchParams.get('sig') ?? '')
  if (!key || !Number.isSafeInteger(expires)) return failed(INVALID)
  const right = Buffer.from(signature(key, expires, settings.signingSecret))
  if (given.length !== right.length || !timingSafeEqual(given, right)) return failed(INVALID)
  const secondsLeft = Math.floor(expires - nowMs / 1000)
  return secondsLeft > 0 ? ok({ key, secondsLeft }) : failed(EXPIRED)
}

const INVALID: Failure = {
  code: 'forbidden_link',
  message: 'This is not an image link of this gateway, or it was changed on its way. Use it exactly as it was given.',
}

const EXPIRED: Failure = {
  code: 'forbidden_link',
  message: 'This image link has expired. Send the request for the image again to get a new one.',
}

function signature(key: string, expires: number, secret: string): string {
  return createHmac('sha256', secret).update(`image-link\n${key}\n${expires}`).digest('base64url')
}
