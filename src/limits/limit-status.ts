import { inMicroUsd } from '../catalog/money'
import { isLimitSet, type Limits } from './limits'
import { type Meter, minuteBucket, untilNextDay, untilNextMonth } from './meter'

/** One of the two sets of limits that a request has to fit in: its team's and its key's. */
export interface LimitScope {
  name: 'team' | 'key'
  limits: Limits
  meter: Meter
  /** Generations under way. */
  running: number
  /** What they may cost at most, in micro-USD. */
  reserved: number
}

/** How a limit stands. */
export interface LimitStatus {
  limit: 'requests_per_minute' | 'requests_per_day' | 'images_per_day' | 'concurrency' | 'budget_usd'
  scope: LimitScope['name']
  /** A budget's numbers are micro-USD. */
  max: number
  used: number
  /** What can be had now: of a minute's requests no more than its burst. */
  remaining: number
  /** In how many ms some of it comes back by time alone; undefined where it is given back by whoever uses it. */
  resetMs: number | undefined
}

/** Every limit that there is, and how it stands. */
export function limitStatusesOf(
  { name: scope, limits, meter, running, reserved }: LimitScope,
  nowMs: number,
): LimitStatus[] {
  const { requests_per_minute, requests_per_day, images_per_day, concurrency, budget_usd } = limits
  const minute = minuteBucket(meter, limits, nowMs)
  const standing = (
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
  })
  const day = untilNextDay(nowMs)
  return [
    ...(minute && isLimitSet(requests_per_minute)
      ? [
          {
            ...standing('requests_per_minute', requests_per_minute, meter.level, minute.backMs),
            remaining: minute.left,
          },
        ]
      : []),
    ...(isLimitSet(requests_per_day) ? [standing('requests_per_day', requests_per_day, meter.requests, day)] : []),
    ...(isLimitSet(images_per_day) ? [standing('images_per_day', images_per_day, meter.images, day)] : []),
    ...(isLimitSet(concurrency) ? [standing('concurrency', concurrency, running, undefined)] : []),
    ...(isLimitSet(budget_usd)
      ? [standing('budget_usd', Math.round(inMicroUsd(budget_usd)), meter.spent + reserved, untilNextMonth(nowMs))]
      : []),
  ]
}

/** How limits stand once so many images more were made. */
export const afterImages = (all: readonly LimitStatus[], images: number): LimitStatus[] =>
  all.map((standing) =>
    standing.limit === 'images_per_day'
      ? { ...standing, remaining: Math.max(0, standing.remaining - images) }
      : standing,
  )
