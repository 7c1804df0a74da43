import type { ErrorCode, Failure } from '../runtime/errors'
import { type Entry, keptKeysOf } from './entry'

/** A generation as it stands, to one of those who asked for it. */
export interface Snapshot {
  id: string
  /** The id of the HTTP request that asked for it. */
  request: string
  /** The id of the key that asked for it. */
  key: string
  status: 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'
  /** A code alone comes from the ledger. */
  failure?: Failure | { code: ErrorCode }
  /** When it was asked for, when an upstream took it, and when it ended, in ms since 1970. */
  createdMs: number
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
  /** What it cost whoever asked, in micro-USD; undefined where no price is known. */
  cost?: number | undefined
  /** How far it is by the upstream's own account, in whole percent. */
  percent?: number | undefined
}

/** One as the ledger has it; nobody having said in time what came of it is a failure to whoever asked for it. */
export function snapshotOf(entry: Entry): Snapshot {
  const { generation, request, key, model, operation, prompt, n, status, failure: code, size, quality } = entry
  const { started_ms: startedMs, ended_ms, served_model, upstream, cost } = entry
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
  }
}

const RESERVATION_EXPIRED: Failure = {
  code: 'unavailable',
  message: 'Nothing was heard of this generation in time. Ask for it again.',
}
