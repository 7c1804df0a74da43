import { failureInWords } from '../failures/words'
import { credits, inUsd } from '../catalog/money'
import { type Snapshot, snapshotOf } from '../ledger/snapshot'
import type { LimitStatus } from '../limits/limit-status'
import { type Entry, imageKeysOf, keptKeysOf } from '../ledger/entry'
import type { LatencySummary, UsageReport, UsageRow } from '../ledger/usage'

/*
 * The JSON of accounts, for key holders and for the operator. Amounts are in USD, exact to a micro-dollar.
 */

/** A time in ms since 1970 as ISO 8601. */
export const isoTime = (ms: number | null | undefined): string | null => (ms ? new Date(ms).toISOString() : null)

export function limitStatusJson({ limit, scope, max, used, remaining, resetMs }: LimitStatus): Record<string, unknown> {
  const amountJson = limit === 'budget_usd' ? inUsd : (amount: number): number => amount
  const resets = resetMs === undefined ? null : Math.ceil(resetMs / 1000)
  return {
    limit,
    scope,
    max: amountJson(max),
    used: amountJson(used),
    remaining: amountJson(remaining),
    resets_in_seconds: resets,
  }
}

export function usageJson(
  { cost, estimated, saved, ...row }: UsageRow,
  creditsPerUsd?: number,
): Record<string, unknown> {
  return { ...row, ...costJson(cost, creditsPerUsd), estimated_usd: inUsd(estimated), saved_usd: inUsd(saved) }
}

/** The figures by which clients of relays watch their costs (`get_statistics` of protocols §9.4), and the money saved. */
export function totalsJson({ rows, latency }: UsageReport, creditsPerUsd?: number): Record<string, unknown> {
  const sum = (column: keyof UsageRow): number => rows.reduce((total, row) => total + Number(row[column]), 0)
  const [hits, generations, failures, cost] = [sum('hits'), sum('generations'), sum('failures'), sum('cost')]
  const requests = hits + sum('joins') + generations
  const share = (part: number): number | null => (requests === 0 ? null : part / requests)
  return {
    requests,
    hits,
    joins: sum('joins'),
    generations,
    failures,
    images: sum('images'),
    success_rate: share(requests - failures),
    cache_hit_share: share(hits),
    ...latencyJson(latency),
    input_tokens: sum('input_tokens'),
    output_tokens: sum('output_tokens'),
    ...costJson(cost, creditsPerUsd),
    estimated_usd: inUsd(sum('estimated')),
    mean_cost_usd: requests === 0 ? null : inUsd(Math.round(cost / requests)),
    saved_usd: inUsd(sum('saved')),
    unpriced: sum('unpriced'),
  }
}

const latencyJson = ({ mean_ms, p95_ms }: LatencySummary): Record<string, number | null> => ({
  mean_latency_ms: mean_ms === null ? null : Math.round(mean_ms),
  p95_latency_ms: p95_ms,
})

const costJson = (cost: number, creditsPerUsd: number | undefined): Record<string, number> => ({
  cost_usd: inUsd(cost),
  ...(creditsPerUsd === undefined ? {} : { cost_credits: credits(cost, creditsPerUsd) }),
})

/** A generation as its team sees it. `link` makes the URL of an image from its key. */
export function generationJson(
  snapshot: Snapshot,
  link: (key: string) => string,
  creditsPerUsd?: number,
): Record<string, unknown> {
  const { id, request, key, status, failure, createdMs, startedMs, endedMs, model, servedModel } = snapshot
  const { upstream, operation, prompt, n, size, quality, images, cost, estimated = 0 } = snapshot
  return {
    object: 'generation',
    id,
    request_id: request,
    key,
    status,
    error: failure ? errorJson(failure) : null,
    created_at: isoTime(createdMs),
    started_at: isoTime(startedMs),
    ended_at: isoTime(endedMs),
    latency_ms: endedMs === undefined || startedMs === undefined ? null : endedMs - startedMs,
    model,
    served_model: servedModel ?? null,
    upstream: upstream ?? null,
    operation,
    prompt,
    n,
    size: size ?? null,
    quality: quality ?? null,
    images: images.map((image) => ({ url: link(image) })),
    ...(cost === undefined ? { cost_usd: null } : costJson(cost, creditsPerUsd)),
    estimated_usd: inUsd(estimated),
  }
}

/** The ledger keeps the code of a failure only. */
function errorJson(failure: NonNullable<Snapshot['failure']>): Record<string, unknown> {
  if (!('message' in failure || 'refusal' in failure)) return { code: failure.code, message: null, param: null }
  const { code, message, param = null } = failureInWords(failure)
  return { code, message, param }
}

/** A run for an audit, with its upstream, its attempts and its reservation. */
export function auditJson(team: string, entry: Entry, creditsPerUsd?: number): Record<string, unknown> {
  const {
    id,
    status,
    failure,
    upstream_request,
    organization,
    account,
    attempts,
    route,
    reserved,
    cost,
    input_tokens,
    output_tokens,
  } = entry
  return {
    team,
    ...generationJson(snapshotOf(entry), (key) => key, creditsPerUsd),
    status,
    error: failure,
    run: id,
    images: imageKeysOf(entry),
    images_kept: keptKeysOf(entry),
    attempts,
    route,
    account,
    upstream_request_id: upstream_request,
    organization,
    input_tokens,
    output_tokens,
    reserved_usd: inUsd(reserved),
    quote_error_usd: cost === null || entry.status !== 'succeeded' ? null : inUsd(cost - reserved),
    deleted_at: isoTime(entry.deleted_ms),
  }
}

/** The columns of an audit as CSV. */
export const AUDIT_COLUMNS = [
  'team',
  'id',
  'run',
  'request_id',
  'key',
  'status',
  'error',
  'created_at',
  'ended_at',
  'latency_ms',
  'model',
  'served_model',
  'upstream',
  'account',
  'upstream_request_id',
  'organization',
  'attempts',
  'route',
  'operation',
  'prompt',
  'n',
  'size',
  'quality',
  'input_tokens',
  'output_tokens',
  'reserved_usd',
  'cost_usd',
  'cost_credits',
  'estimated_usd',
  'quote_error_usd',
  'deleted_at',
  'images',
  'images_kept',
]

/** A run as a row of CSV; a space separates the keys of images. */
export const auditRow = (team: string, entry: Entry, creditsPerUsd?: number): Record<string, unknown> => ({
  ...auditJson(team, entry, creditsPerUsd),
  images: imageKeysOf(entry).join(' '),
  images_kept: keptKeysOf(entry).join(' '),
})
