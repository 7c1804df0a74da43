import type { Adjustment } from '../catalog/fit'
import { credits, usd } from '../catalog/money'
import type { Ask, Obtained } from '../generation/task'
import type { ImageRequest } from '../image/request'
import type { ImageRecord } from '../image/record'
import { afterImages, type Standing } from '../team/standing'
import type { Freshness } from './freshness'
import { limitHeaders } from './limit-headers'

/** What is known of a request when it is answered. */
export interface Told {
  ask: Ask
  freshness: Freshness
  requestId: string
  /** When it came, in ms since 1970. */
  startedMs: number
  /** What was not done as it was asked for. */
  adjustments: readonly Adjustment[]
  /** How its limits stood when it was let in. */
  standings: readonly Standing[]
  creditsPerUsd: number | undefined
}

/** The headers of an answer (design §3.4). None of them comes from the upstream's. */
export function answerHeaders(told: Told, { record, origin }: Obtained, nowMs: number): Record<string, string> {
  const { ask, freshness, startedMs, standings } = told
  return {
    ...generalHeaders(told, shortfall(ask.task.request, record)),
    'x-cache': origin === 'MISS' && !freshness.use ? 'BYPASS' : origin,
    'x-upstream': record.upstream.name,
    'x-model': printable(record.model),
    'server-timing': `total;dur=${nowMs - startedMs}, upstream;dur=${origin === 'HIT' ? 0 : record.tookMs}`,
    ...(origin === 'HIT' ? { age: String(Math.max(0, Math.floor((nowMs - record.createdMs) / 1000))) } : {}),
    ...(ask.isReplay && origin !== 'MISS' ? REPLAYED : {}),
    ...costHeaders(origin === 'MISS' ? record.cost : 0, told),
    ...limitHeaders(origin === 'MISS' ? afterImages(standings, record.images.length) : standings),
  }
}

/** The headers of an answer that goes out before it is there; whoever is in front is told not to hold it back. */
export const earlyHeaders = (told: Told): Record<string, string> => ({
  ...generalHeaders(told),
  ...limitHeaders(told.standings),
  'x-accel-buffering': 'no',
  // Compression would hold back what is only there to keep the connection alive: Cloudflare compresses JSON otherwise.
  'cache-control': 'no-store, no-transform',
  'content-encoding': 'identity',
})

/** What can be said of every answer, whether it is there or not. */
export function generalHeaders({ requestId, ask, adjustments }: Told, more: string[] = []): Record<string, string> {
  const notes = [...adjustments.map(({ note }) => note), ...more]
  return {
    'x-request-id': requestId,
    'x-generation-id': ask.task.id,
    'cache-control': 'no-store',
    ...(notes.length > 0 ? { 'x-adjusted': printable(notes.join(', ')) } : {}),
  }
}

/** An upstream that made fewer images than asked for is not passed over in silence. */
const shortfall = ({ n }: ImageRequest, { images }: ImageRecord): string[] =>
  images.length < n ? [`n=${n}>${images.length}`] : []

/** What this request cost, in micro-USD; nothing is said where no price is known. */
const costHeaders = (cost: number | undefined, { creditsPerUsd }: Told): Record<string, string> => ({
  ...(cost === undefined ? {} : { 'x-cost-usd': usd(cost) }),
  ...(cost === undefined || !creditsPerUsd ? {} : { 'x-cost-credits': String(credits(cost, creditsPerUsd)) }),
})

/** A header holds only printable ASCII; a model's name is whatever the settings say. */
export const printable = (value: string): string => value.replaceAll(/[^\x20-\x7e]/g, '?')

/** The Idempotency-Key came before, and this is what that request came to (protocols §8.2). */
export const REPLAYED = { 'idempotent-replayed': 'true' }
