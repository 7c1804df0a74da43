import { Buffer } from 'node:buffer'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { failed, type Failure, ok, type Result } from '../failures/errors'
import { oncePer } from '../runtime/once-per'
import { RecentMap } from '../runtime/recent-map'
import { keyOfPath } from './images'

/** Links are rounded, because links with their own second would defeat caches. */
const ROUNDING_SECONDS = 3600

/** The settings of links. */
export interface LinkSettings {
  signingSecret: string
  imageUrlTtlSeconds: number
}

/**
 * A link to the image under a key. It works for at least `imageUrlTtlSeconds`, and for up to an hour or that time again
 * longer.
 */
export function signedLink(origin: string, key: string, settings: LinkSettings, nowMs: number): string {
  const step = Math.min(ROUNDING_SECONDS, settings.imageUrlTtlSeconds)
  const expires = Math.ceil((nowMs / 1000 + settings.imageUrlTtlSeconds) / step) * step
  return `${origin}/${key}?${signedQuery(key, expires, settings)}`
}

/** The most signed queries in memory: rounded links are the same for a while. */
const MOST_QUERIES = 2000

const signedQueries = oncePer<LinkSettings, RecentMap<string, string>>(() => new RecentMap(MOST_QUERIES))

function signedQuery(key: string, expires: number, settings: LinkSettings): string {
  const [queries, signed] = [signedQueries(settings), `${key}\n${expires}`]
  const query = queries.get(signed) ?? `exp=${expires}&sig=${signature(key, expires, settings.signingSecret)}`
  queries.set(signed, query)
  return query
}

/** The request of the answer with the reference. */
export interface ReferenceContext {
  /** The team that gets the reference. */
  team: string
  generation: string
  requestId: string
  /** The time of the request, in ms since 1970. */
  startedMs: number
}

/**
 * The target of a reference: the image under a key, or the generation's first one since `sinceMs`. `request` is the end of
 * the id of its request.
 */
export type Referent = { request: string } & ({ key: string } | { generation: string; sinceMs: number })

/**
 * A reference to the image under a key, or, without one, to the image that the generation is making.
 * It is signed, unique for each request, and does not expire. Clients may know references of others, so each one works
 * for one team only.
 */
export function imageReference(
  { team, generation, requestId, startedMs }: ReferenceContext,
  key: string | undefined,
  { signingSecret }: LinkSettings,
): string {
  const meant = key === undefined ? `${generation} ${startedMs}` : key
  const name = Buffer.from(`${requestId.slice(-12)} ${meant}`).toString('base64url')
  return name + referenceTag(name, team, signingSecret)
}

/** The target of a reference. Undefined unless this gateway gave it to the team. */
export function resolveReference(given: string, team: string, { signingSecret }: LinkSettings): Referent | undefined {
  const name = given.slice(0, -TAG_CHARACTERS)
  if (!equalsInConstantTime(given.slice(-TAG_CHARACTERS), referenceTag(name, team, signingSecret))) return undefined
  const [request = '', first = '', sinceMs] = Buffer.from(name, 'base64url').toString().split(' ')
  return { request, ...(sinceMs === undefined ? { key: first } : { generation: first, sinceMs: Number(sinceMs) }) }
}

const TAG_CHARACTERS = 22

const referenceTag = (name: string, team: string, secret: string): string =>
  createHmac('sha256', secret).update(`image-reference\n${team}\n${name}`).digest('base64url').slice(0, TAG_CHARACTERS)

function equalsInConstantTime(given: string, right: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(right)]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** The key of a valid link and its remaining seconds, or the refusal. */
export function verifyLink(url: URL, settings: LinkSettings, nowMs: number): Result<SignedKey> {
  const signed = signedKeyOf(url, settings, nowMs)
  if (!signed) return failed(INVALID_LINK)
  return signed.secondsLeft > 0 ? ok(signed) : failed(EXPIRED_LINK)
}

/** The key of a link; it has expired without seconds left. */
export interface SignedKey {
  key: string
  secondsLeft: number
}

/** The key of a link that this gateway signed, even of an expired one. */
export function signedKeyOf(url: URL, settings: LinkSettings, nowMs: number): SignedKey | undefined {
  const key = keyOfPath(url.pathname)
  const expires = Number(url.searchParams.get('exp'))
  if (!key || !Number.isSafeInteger(expires)) return undefined
  const right = signature(key, expires, settings.signingSecret)
  if (!equalsInConstantTime(url.searchParams.get('sig') ?? '', right)) return undefined
  return { key, secondsLeft: Math.floor(expires - nowMs / 1000) }
}

const INVALID_LINK: Failure = {
  code: 'forbidden_link',
  message: 'This is not an image link of this gateway, or it was changed on its way. Use it exactly as it was given.',
}

const EXPIRED_LINK: Failure = {
  code: 'forbidden_link',
  message: 'This image link has expired. Send the request for the image again to get a new one.',
}

function signature(key: string, expires: number, secret: string): string {
  return createHmac('sha256', secret).update(`image-link\n${key}\n${expires}`).digest('base64url')
}
