import type { ErrorCode, Failure } from '../failures/errors'
import { type Entry, keptKeysOf } from './entry'

/** The state of a generation, for one of the requests that asked for it. */
export interface Snapshot {
  id: string
  /** The id of the HTTP request that asked for it. */
  request: string
  /** The id of the key that asked for it. */
  key: string
  status: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'
  /** A code alone comes from the ledger. */
  failure?: Failure | { code: ErrorCode }
  /** The time of the request, in ms since 1970. */
  createdMs: number
  /** The time when an upstream took it, in ms since 1970. */
  startedMs?: number | undefined
  endedMs?: number | undefined
  model: string
  servedModel?: string | undefined
  upstream?: string | undefined
  operation: string
  prompt: string
  n: number
  size?: string | undefined
  quality?: string | undefined
  /** The keys of its images. */
  images: string[]
  /** The cost for the request's team, in micro-USD; undefined without a known price. */
  cost?: number | undefined
  /** The part of the cost that is an estimate, in micro-USD. */
  estimated?: number | undefined
  /** The progress that the upstream reports, in whole percent. */
  percent?: number | undefined
}

export const isEnded = ({ status }: Snapshot): boolean => status !== 'queued' && status !== 'running'

/** The snapshot of a ledger entry. An expired reservation is a failure for the caller. */
export function snapshotOf(entry: Entry): Snapshot {
  const { generation, request, key, model, operation, prompt, n, status, failure: code, size, quality } = entry
  const { started_ms: startedMs, ended_ms, served_model, upstream, cost, estimated } = entry
  return {
    id: generation,
    request,
    key,
    status: status === 'expired' ? 'failed' : status,
    ...(code === null ? {} : { failure: { code } }),
    ...(status === 'expired' ? { failure: RESERVATION_EXPIRED } : {}),
    createdMs: startedMs,
    startedMs,
    endedMs: ended_ms ?? undefined,
    model,
    servedModel: served_model ?? undefined,
    upstream: upstream ?? undefined,
    operation,
    prompt,
    n,
    size: size ?? undefined,
    quality: quality ?? undefined,
    images: keptKeysOf(entry),
    cost: cost ?? undefined,
    estimated,
  }
}

const RESERVATION_EXPIRED: Failure = {
  code: 'unavailable',
  message: 'The generation did not end in time. Ask for it again.',
}
