import * as z from 'zod'
import { dayOf, monthOf } from '../runtime/calendar'
import { DAY_MS, MINUTE_MS } from '../runtime/durations'
import type { Lease, LeaseUse } from './lease'
import type { Limits } from './limits'

/** The use of limits by a team or a key, for limits that time resets. */
export const meterSchema = z.object({
  /** Requests in the bucket of the minute. */
  level: z.number(),
  /** The time of the bucket's last drain, in ms since 1970. */
  drainedMs: z.number(),
  /** The day, such as 2026-11-20, of `requests` and `images`. */
  day: z.string(),
  requests: z.number(),
  images: z.number(),
  /** The month, such as 2026-11, of `spent` (micro-USD). */
  month: z.string(),
  spent: z.number(),
  /** Requests withheld for leases, by their end in ms since 1970; a meter of an earlier version has none. */
  leased: z.array(z.object({ endsMs: z.number(), requests: z.number() })).default([]),
})
export type Meter = z.infer<typeof meterSchema>

const EMPTY_METER: Meter = {
  level: 0,
  drainedMs: 0,
  day: '',
  requests: 0,
  images: 0,
  month: '',
  spent: 0,
  leased: [],
}

/** The later one of two days, or of two months. */
const laterOf = (one: string, other: string): string => (one > other ? one : other)

/** The ms until the day after that of a meter (UTC). */
export const untilNextDay = ({ day }: Meter, nowMs: number): number => Date.parse(day) + DAY_MS - nowMs

/** The ms until the month after that of a meter (UTC). */
export function untilNextMonth({ month }: Meter, nowMs: number): number {
  const begun = new Date(month)
  return Date.UTC(begun.getUTCFullYear(), begun.getUTCMonth() + 1) - nowMs
}

/** The present, or the start of a meter's day if the clock ran back before it. Both are ms since 1970. */
export const timeOfMeter = (meter: Meter | undefined, nowMs: number): number =>
  meter ? Math.max(nowMs, Date.parse(meter.day)) : nowMs

/**
 * The meter at a time: the bucket is drained, a new day or month starts at 0, lapsed leases count. A clock that
 * runs back brings no earlier day again. `countedMs` is the time of the day and the month, if it differs from `nowMs`.
 */
export function meterAt(meter: Meter | undefined, limits: Limits, nowMs: number, countedMs: number = nowMs): Meter {
  const stored = meter ?? EMPTY_METER
  const [day, month] = [laterOf(stored.day, dayOf(countedMs)), laterOf(stored.month, monthOf(countedMs))]
  const current = {
    ...stored,
    ...(stored.day === day ? {} : { day, requests: 0, images: 0 }),
    ...(stored.month === month ? {} : { month, spent: 0 }),
    ...drainedBucket(stored, limits, nowMs),
    leased: stored.leased.filter(({ endsMs }) => nowMs < endsMs),
  }
  return withRequests(current, lapsedIn(stored, nowMs))
}

/** The meter after further requests. */
export const withRequests = (meter: Meter, requests: number): Meter => ({
  ...meter,
  level: meter.level + requests,
  requests: meter.requests + requests,
})

/** The requests withheld for leases. */
export const leasedIn = ({ leased }: Meter): number => leased.reduce((sum, { requests }) => sum + requests, 0)

/** The requests of leases that ended without a report. A Worker that died may have admitted them. */
export const lapsedIn = (meter: Meter | undefined, nowMs: number): number =>
  meter ? leasedIn({ ...meter, leased: meter.leased.filter(({ endsMs }) => endsMs <= nowMs) }) : 0

/** The meter with the requests of one more lease withheld. */
export function withLease(meter: Meter, { endsMs, requests }: Lease): Meter {
  if (requests === 0) return meter
  const others = meter.leased.filter((slot) => slot.endsMs !== endsMs)
  const withheld = meter.leased.find((slot) => slot.endsMs === endsMs)?.requests ?? 0
  return { ...meter, leased: [...others, { endsMs, requests: withheld + requests }] }
}

/** The meter after the report of a lease. Requests of a lapsed lease are in it already. */
export function withLeaseUse(meter: Meter, { endsMs, used, unused }: LeaseUse): Meter {
  const slot = meter.leased.find((each) => each.endsMs === endsMs)
  if (!slot) return meter
  const counted = Math.min(used, slot.requests)
  const requests = slot.requests - Math.min(counted + unused, slot.requests)
  const others = meter.leased.filter((each) => each !== slot)
  return withRequests({ ...meter, leased: requests > 0 ? [...others, { endsMs, requests }] : others }, counted)
}

/**
 * The bucket drains in steps of five requests, or of its capacity if that is less.
 * Drained one by one, a bucket of 20 a minute would admit a 21st request after three seconds.
 */
const DRAINED_AT_ONCE = 5

interface Bucket {
  /** In requests. */
  capacity: number
  /** Requests of one step; a step drains every `everyMs`. */
  drop: number
  everyMs: number
}

function bucketOf({ requests_per_minute: perMinute, burst }: Limits): Bucket | undefined {
  if (!perMinute) return undefined
  const capacity = burst ?? perMinute
  const drop = Math.min(DRAINED_AT_ONCE, capacity)
  return { capacity, drop, everyMs: (drop * MINUTE_MS) / perMinute }
}

function drainedBucket({ level, drainedMs }: Meter, limits: Limits, nowMs: number): Pick<Meter, 'level' | 'drainedMs'> {
  const bucket = bucketOf(limits)
  if (!bucket) return { level: 0, drainedMs: nowMs }
  // A clock that has run back neither drains the bucket nor stops its drain.
  const sinceMs = Math.min(drainedMs, nowMs)
  const drops = Math.floor((nowMs - sinceMs) / bucket.everyMs)
  const left = Math.max(0, Math.min(level, bucket.capacity) - drops * bucket.drop)
  return left === 0 ? { level: 0, drainedMs: nowMs } : { level: left, drainedMs: sinceMs + drops * bucket.everyMs }
}

/** The requests left in the minute's bucket, and the ms until its next drain; undefined without a limit. */
export function minuteBucket(
  { level, drainedMs }: Meter,
  limits: Limits,
  nowMs: number,
): { left: number; backMs: number } | undefined {
  const bucket = bucketOf(limits)
  if (!bucket) return undefined
  const backMs = level === 0 ? 0 : Math.max(0, drainedMs + bucket.everyMs - nowMs)
  return { left: Math.max(0, bucket.capacity - level), backMs }
}
