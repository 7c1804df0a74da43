import type { Adjustment } from '../catalog/fit'
import { credits, usd } from '../catalog/money'
import type { Obtained } from '../generation/task'
import type { ImageRequest } from '../image/request'
import type { ImageRecord } from '../image/record'
import { afterImages, type Standing } from '../team/standing'
import type { Freshness } from './freshness'
import { limitHeaders } from './limit-headers'

/** What is known of a request when it is answered. */
export interface Told {
  requestId: string
  /** When it came, in ms since 1970. */
  startedMs: number
  request: ImageRequest
  /** What was not done as it was asked for. */
  adjustments: readonly Adjustment[]
  freshness: Freshness
  /** How its limits stood when it was let in. */
  standings: readonly Standing[]
  creditsPerUsd: number | undefined
}

/** The headers of an answer (design §3.4). None of them comes from the upstream's. */
export function answerHeaders(told: Told, { record, origin }: Obtained, nowMs: number): Record<string, string> {
  const { requestId, request, adjustments, freshness, startedMs, standings } = told
  const notes = [...adjustments.map(({ note }) => note), ...shortfall(request, record)]
  return {
    'x-request-id': requestId,
    'x-generation-id': record.id,
    'x-cache': origin === 'MISS' && !freshness.use ? 'BYPASS' : origin,
    'x-upstream': record.upstream.name,
    'x-model': printable(record.model),
    'server-timing': `total;dur=${nowMs - startedMs}, upstream;dur=${origin === 'HIT' ? 0 : record.tookMs}`,
    'cache-control': 'no-store',
    ...(origin === 'HIT' ? { age: String(Math.max(0, Math.floor((nowMs - record.createdMs) / 1000))) } : {}),
    ...(notes.length > 0 ? { 'x-adjusted': printable(notes.join(', ')) } : {}),
    ...costHeaders(origin === 'MISS' ? record.cost : 0, told),
    ...limitHeaders(origin === 'MISS' ? afterImages(standings, record.images.length) : standings),
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
const printable = (value: string): string => value.replaceAll(/[^\x20-\x7e]/g, '?')
