import * as z from 'zod'
import { errorCode, type Failure, failureSchema } from '../failures/errors'
import { type Entry, keptKeysOf } from './entry'

export const snapshotSchema = z.object({
  id: z.string(),
  /** The id of the HTTP request that asked for it. */
  request: z.string(),
  /** The id of the key that asked for it. */
  key: z.string(),
  status: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
  /** A code alone comes from the ledger. */
  failure: z.union([failureSchema, z.object({ code: errorCode })]).exactOptional(),
  /** The time of the request, in ms since 1970. */
  createdMs: z.number(),
  /** The time when an upstream took it, in ms since 1970. */
  startedMs: z.number().optional(),
  endedMs: z.number().optional(),
  model: z.string(),
  servedModel: z.string().optional(),
  upstream: z.string().optional(),
  operation: z.string(),
  prompt: z.string(),
  n: z.number(),
  size: z.string().optional(),
  quality: z.string().optional(),
  /** The keys of its images. */
  images: z.array(z.string()),
  /** The cost for the request's team, in micro-USD; undefined without a known price. */
  cost: z.number().optional(),
  /** The part of the cost that is an estimate, in micro-USD. */
  estimated: z.number().optional(),
  /** The progress that the upstream reports, in whole percent. */
  percent: z.number().optional(),
})
/** The state of a generation, for one of the requests that asked for it. */
export type Snapshot = z.infer<typeof snapshotSchema>

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
