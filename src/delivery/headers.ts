import type { Adjustment } from '../catalog/fit'
import type { Shutdown } from '../catalog/model'
import { credits, usd } from '../catalog/money'
import type { GenerateOptions, Obtained } from '../generation/task'
import type { ImageRecord } from '../image/record'
import { afterImages, type LimitStatus } from '../limits/limit-status'
import type { Freshness } from './freshness'
import { limitHeaders } from '../wire/limit-headers'

/** The facts of a request that its response headers report. */
export interface ResponseMeta {
  generate: GenerateOptions
  freshness: Freshness
  /** Whether the team knows the request as one that shares no picture. */
  isAlone: boolean
  requestId: string
  /** The arrival of the request, in ms since 1970. */
  startedMs: number
  /** Differences between the asked and the fitted request. */
  adjustments: readonly Adjustment[]
  /** The limits at admission. */
  limitStatuses: readonly LimitStatus[]
  /** The coming shutdown of the model. */
  shutdown: Shutdown | undefined
  creditsPerUsd: number | undefined
}

/** The headers of a finished answer (api §6). None of them comes from the upstream. */
export function answerHeaders(meta: ResponseMeta, { record, origin }: Obtained, nowMs: number): Record<string, string> {
  const { generate, freshness, startedMs, limitStatuses } = meta
  const { task, isReplay } = generate
  return {
    ...generalHeaders(meta, deviationNotes(record, task.request.n)),
    'x-cache': origin === 'MISS' && !freshness.use ? 'BYPASS' : origin,
    'x-upstream': record.upstream.name,
    'x-model': printable(record.model),
    'server-timing': timing(record, origin, nowMs - startedMs),
    ...(origin === 'HIT' ? { age: String(Math.max(0, Math.floor((nowMs - record.createdMs) / 1000))) } : {}),
    ...(isReplay && origin !== 'MISS' ? REPLAYED : {}),
    ...costHeaders(origin === 'MISS' ? record.cost : 0, meta),
    ...limitHeaders(origin === 'MISS' ? afterImages(limitStatuses, record.images.length) : limitStatuses),
  }
}

/** The total and upstream times in ms; a new answer adds the steps of its route. */
function timing({ tookMs, route }: ImageRecord, origin: Obtained['origin'], totalMs: number): string {
  const upstream = origin === 'HIT' ? 'upstream;dur=0' : `upstream;dur=${tookMs}`
  const desc = origin === 'HIT' || !route ? '' : `;desc="${printable(route)}"`
  return `total;dur=${totalMs}, ${upstream}${desc}`
}

/** Keeps proxies from buffering a response. */
export const UNBUFFERED = {
  'x-accel-buffering': 'no',
  // Cloudflare compresses JSON, which would hold back the heartbeat.
  'cache-control': 'no-store, no-transform',
  'content-encoding': 'identity',
}

/** The headers of a response that begins before its answer exists. */
export const earlyHeaders = (meta: ResponseMeta): Record<string, string> => ({
  ...generalHeaders(meta),
  ...limitHeaders(meta.limitStatuses),
  ...UNBUFFERED,
})

/** The headers of every response to a generation, finished or not; `more` adds notes to `x-adjusted`. */
export function generalHeaders(meta: ResponseMeta, more: string[] = []): Record<string, string> {
  const { requestId, generate, adjustments, shutdown } = meta
  const { task } = generate
  const notes = [...adjustments.map(({ note }) => note), ...more]
  return {
    'x-request-id': requestId,
    'x-generation-id': task.id,
    'cache-control': 'no-store',
    ...adjustedHeader(notes),
    ...(shutdown ? sunsetHeaders(task.request.model, shutdown) : {}),
  }
}

/** The end of a model (RFC 8594) and its successor (RFC 7234 §5.5, 299 of §5.5.7). */
function sunsetHeaders(model: string, { date, successor }: Shutdown): Record<string, string> {
  const words = `The model '${model}' will be shut down on ${date}. Ask for '${successor}' instead.`
  return {
    sunset: new Date(date).toUTCString(),
    warning: `299 - "${printable(words).replaceAll(/["\\]/g, '\\$&')}"`,
  }
}

/** `x-adjusted`, without which nothing was adapted. */
export const adjustedHeader = (notes: readonly string[]): Record<string, string> =>
  notes.length > 0 ? { 'x-adjusted': printable(notes.join(', ')) } : {}

/** Notes on an answer that differs from its request for n images; fewer images are one of them. */
export const deviationNotes = ({ adjusted = [], images }: ImageRecord, n: number): string[] =>
  images.length < n ? [...adjusted, `n=${n}>${images.length}`] : [...adjusted]

/** The cost of this request from micro-USD; no header without a known price. */
const costHeaders = (cost: number | undefined, { creditsPerUsd }: ResponseMeta): Record<string, string> => ({
  ...(cost === undefined ? {} : { 'x-cost-usd': usd(cost) }),
  ...(cost === undefined || !creditsPerUsd ? {} : { 'x-cost-credits': String(credits(cost, creditsPerUsd)) }),
})

/** Replaces all but printable ASCII, since a header takes no more; a model's name may hold any character. */
export const printable = (value: string): string => value.replaceAll(/[^\x20-\x7e]/g, '?')

/** Marks the answer to a repeated Idempotency-Key (protocols §8.2). */
export const REPLAYED = { 'idempotent-replayed': 'true' }
