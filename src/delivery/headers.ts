import type { Adjustment } from '../catalog/fit'
import type { Shutdown } from '../catalog/model'
import { credits, usd } from '../catalog/money'
import type { GenerateOptions, Obtained } from '../generation/task'
import type { ImageRecord } from '../image/record'
import { afterImages, type LimitStatus } from '../limits/limit-status'
import type { Freshness } from './freshness'
import { limitHeaders } from '../wire/limit-headers'

/** What is known of a request when it is answered. */
export interface ResponseMeta {
  ask: GenerateOptions
  freshness: Freshness
  requestId: string
  /** When it came, in ms since 1970. */
  startedMs: number
  /** What was not done as it was asked for. */
  adjustments: readonly Adjustment[]
  /** How its limits stood when it was let in. */
  standings: readonly LimitStatus[]
  /** What its model has before it. */
  shutdown: Shutdown | undefined
  creditsPerUsd: number | undefined
}

/** The headers of an answer (api §6). None of them comes from the upstream's. */
export function answerHeaders(told: ResponseMeta, { record, origin }: Obtained, nowMs: number): Record<string, string> {
  const { ask, freshness, startedMs, standings } = told
  return {
    ...generalHeaders(told, madeOtherwise(record, ask.task.request.n)),
    'x-cache': origin === 'MISS' && !freshness.use ? 'BYPASS' : origin,
    'x-upstream': record.upstream.name,
    'x-model': printable(record.model),
    'server-timing': timing(record, origin, nowMs - startedMs),
    ...(origin === 'HIT' ? { age: String(Math.max(0, Math.floor((nowMs - record.createdMs) / 1000))) } : {}),
    ...(ask.isReplay && origin !== 'MISS' ? REPLAYED : {}),
    ...costHeaders(origin === 'MISS' ? record.cost : 0, told),
    ...limitHeaders(origin === 'MISS' ? afterImages(standings, record.images.length) : standings),
  }
}

/** How long it took, and for what was made just now, who was asked for it, and what came of that. */
function timing({ tookMs, route }: ImageRecord, origin: Obtained['origin'], totalMs: number): string {
  const upstream = origin === 'HIT' ? 'upstream;dur=0' : `upstream;dur=${tookMs}`
  const desc = origin === 'HIT' || !route ? '' : `;desc="${printable(route)}"`
  return `total;dur=${totalMs}, ${upstream}${desc}`
}

/** Has whoever is in front pass an answer on as it comes. */
export const UNBUFFERED = {
  'x-accel-buffering': 'no',
  // Compression would hold back what is only there to keep the connection alive: Cloudflare compresses JSON otherwise.
  'cache-control': 'no-store, no-transform',
  'content-encoding': 'identity',
}

/** The headers of an answer that goes out before it is there. */
export const earlyHeaders = (told: ResponseMeta): Record<string, string> => ({
  ...generalHeaders(told),
  ...limitHeaders(told.standings),
  ...UNBUFFERED,
})

/** What can be said of every answer, whether it is there or not. */
export function generalHeaders(told: ResponseMeta, more: string[] = []): Record<string, string> {
  const { requestId, ask, adjustments, shutdown } = told
  const notes = [...adjustments.map(({ note }) => note), ...more]
  return {
    'x-request-id': requestId,
    'x-generation-id': ask.task.id,
    'cache-control': 'no-store',
    ...adjustedHeader(notes),
    ...(shutdown ? sunsetHeaders(ask.task.request.model, shutdown) : {}),
  }
}

/** A model's last days: until when it answers (RFC 8594), and what to ask for instead (RFC 7234 §5.5, 299 of §5.5.7). */
function sunsetHeaders(model: string, { date, successor }: Shutdown): Record<string, string> {
  const words = `The model '${model}' will be shut down on ${date}. Ask for '${successor}' instead.`
  return {
    sunset: new Date(date).toUTCString(),
    warning: `299 - "${printable(words).replaceAll(/["\\]/g, '\\$&')}"`,
  }
}

/** What was not done as it was asked for, as it is told. */
export const adjustedHeader = (notes: readonly string[]): Record<string, string> =>
  notes.length > 0 ? { 'x-adjusted': printable(notes.join(', ')) } : {}

/** In what an answer differs from its request for n images: fewer of them are not passed over in silence. */
export const madeOtherwise = ({ adjusted = [], images }: ImageRecord, n: number): string[] =>
  images.length < n ? [...adjusted, `n=${n}>${images.length}`] : [...adjusted]

/** What this request cost, in micro-USD; nothing is said where no price is known. */
const costHeaders = (cost: number | undefined, { creditsPerUsd }: ResponseMeta): Record<string, string> => ({
  ...(cost === undefined ? {} : { 'x-cost-usd': usd(cost) }),
  ...(cost === undefined || !creditsPerUsd ? {} : { 'x-cost-credits': String(credits(cost, creditsPerUsd)) }),
})

/** A header holds only printable ASCII; a model's name is whatever the settings say. */
export const printable = (value: string): string => value.replaceAll(/[^\x20-\x7e]/g, '?')

/** The Idempotency-Key came before, and this is what that request came to (protocols §8.2). */
export const REPLAYED = { 'idempotent-replayed': 'true' }
