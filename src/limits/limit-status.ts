import { inMicroUsd } from '../catalog/money'
import { isLimitSet, type Limits } from './limits'
import { leasedIn, type Meter, minuteBucket, untilNextDay, untilNextMonth } from './meter'

/** One of two sets of limits on a request, its team's or its key's, and the use of them. */
export interface LimitScope {
  name: 'team' | 'key'
  limits: Limits
  meter: Meter
  /** The number of running generations. */
  running: number
  /** Their reserved money, in micro-USD. */
  reserved: number
}

/** The use of one limit. */
export interface LimitStatus {
  limit: 'requests_per_minute' | 'requests_per_day' | 'images_per_day' | 'concurrency' | 'budget_usd'
  scope: LimitScope['name']
  /** In requests, images or generations; micro-USD for a budget, also in `used` and `remaining`. */
  max: number
  used: number
  /** The amount available now; for requests per minute at most the burst. */
  remaining: number
  /** The part of `remaining` that is withheld for leases. */
  leased: number
  /** Ms until some of it returns by time alone; undefined for concurrency, which returns as generations end. */
  resetMs: number | undefined
}

/** The status of each limit that is set. */
export function limitStatusesOf(
  { name: scope, limits, meter, running, reserved }: LimitScope,
  nowMs: number,
): LimitStatus[] {
  const { requests_per_minute, requests_per_day, images_per_day, concurrency, budget_usd } = limits
  const [minute, leased] = [minuteBucket(meter, limits, nowMs), leasedIn(meter)]
  const status = (
    limit: LimitStatus['limit'],
    max: number,
    used: number,
    resetMs: number | undefined,
  ): LimitStatus => ({
    limit,
    scope,
    max,
    used,
    resetMs,
    remaining: Math.max(0, max - used),
    leased: isOnRequests({ limit }) ? leased : 0,
  })
  const day = untilNextDay(meter, nowMs)
  return [
    ...(minute && isLimitSet(requests_per_minute)
      ? [
          {
            ...status('requests_per_minute', requests_per_minute, meter.level, minute.backMs),
            remaining: minute.left,
          },
        ]
      : []),
    ...(isLimitSet(requests_per_day) ? [status('requests_per_day', requests_per_day, meter.requests, day)] : []),
    ...(isLimitSet(images_per_day) ? [status('images_per_day', images_per_day, meter.images, day)] : []),
    ...(isLimitSet(concurrency) ? [status('concurrency', concurrency, running, undefined)] : []),
    ...(isLimitSet(budget_usd)
      ? [status('budget_usd', Math.round(inMicroUsd(budget_usd)), meter.spent + reserved, untilNextMonth(meter, nowMs))]
      : []),
  ]
}

/** The status of limits after further images. */
export const afterImages = (all: readonly LimitStatus[], images: number): LimitStatus[] =>
  all.map((status) =>
    status.limit === 'images_per_day' ? { ...status, remaining: Math.max(0, status.remaining - images) } : status,
  )

/** The status of limits after `requests` by a lease. `elapsedMs` is the time since the status. */
export const afterLeased = (all: readonly LimitStatus[], requests: number, elapsedMs: number): LimitStatus[] =>
  all.map((status) => ({
    ...status,
    ...(isOnRequests(status) ? { remaining: Math.max(0, status.remaining - requests) } : {}),
    resetMs: status.resetMs === undefined ? undefined : Math.max(0, status.resetMs - elapsedMs),
  }))

/** The status of limits for a request without a lease. */
export const withoutLeased = (all: readonly LimitStatus[]): LimitStatus[] =>
  all.map((status) => ({ ...status, remaining: Math.max(0, status.remaining - status.leased) }))

/** Whether a limit counts requests, which leases withhold. */
export const isOnRequests = ({ limit }: Pick<LimitStatus, 'limit'>): boolean =>
  limit === 'requests_per_minute' || limit === 'requests_per_day'
