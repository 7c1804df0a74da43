import type { ImageRecord } from '../image/record'

/** What the headers of an answer tell (design §3.4). */
interface Told {
  requestId: string
  record: ImageRecord
  cache: 'HIT' | 'JOINED' | 'MISS' | 'BYPASS'
  /** What was not done as it was asked for. */
  notes: string[]
  /** When the request came and when it is answered, in ms since 1970. */
  startedMs: number
  nowMs: number
}

/** The headers of an answer. None of them comes from the upstream's. */
export function answerHeaders({ requestId, record, cache, notes, startedMs, nowMs }: Told): Record<string, string> {
  return {
    'x-request-id': requestId,
    'x-generation-id': record.id,
    'x-cache': cache,
    'x-upstream': record.upstream.name,
    'x-model': printable(record.model),
    'server-timing': `total;dur=${nowMs - startedMs}, upstream;dur=${cache === 'HIT' ? 0 : record.tookMs}`,
    'cache-control': 'no-store',
    ...(cache === 'HIT' ? { age: String(Math.max(0, Math.floor((nowMs - record.createdMs) / 1000))) } : {}),
    ...(notes.length > 0 ? { 'x-adjusted': printable(notes.join(', ')) } : {}),
  }
}

/** A header holds only printable ASCII; a model's name is whatever the settings say. */
const printable = (value: string): string => value.replaceAll(/[^\x20-\x7e]/g, '?')
