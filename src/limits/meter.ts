import { DAY_MS, MINUTE_MS } from '../runtime/durations'
import type { Limits } from './limits'

/** What a team or a key has used up, of the limits that time gives back. */
export interface Meter {
  /** Requests that the minute's bucket holds. */
  level: number
  /** When the bucket was last let run, in ms since 1970. */
  drainedMs: number
  /** The day, as 2026-11-20, and what was used up on it. */
  day: string
  requests: number
  images: number
  /** The month, as 2026-11, and what was spent in it, in micro-USD. */
  month: string
  spent: number
}

const EMPTY_METER: Meter = { level: 0, drainedMs: 0, day: '', requests: 0, images: 0, month: '', spent: 0 }

/** The UTC day of a moment. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
export const monthOf = (ms: number): string => new Date(ms).toISOString().slice(0, 7)

/** How long a day's limit lasts yet, in ms. */
export const untilNextDay = (nowMs: number): number => DAY_MS - (nowMs % DAY_MS)

/** How long a month's budget has to last yet, in ms. */
export function untilNextMonth(nowMs: number): number {
  const now = new Date(nowMs)
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1) - nowMs
}

/** A meter as time has left it: a new day and a new month begin at nothing. */
export function meterAt(meter: Meter | undefined, limits: Limits, nowMs: number): Meter {
  const stored = meter ?? EMPTY_METER
  const [day, month] = [dayOf(nowMs), monthOf(nowMs)]
  return {
    ...stored,
    ...(stored.day === day ? {} : { day, requests: 0, images: 0 }),
    ...(stored.month === month ? {} : { month, spent: 0 }),
    ...drainedBucket(stored, limits, nowMs),
  }
}

/**
 * A bucket that is let run drop by drop would admit a 21st request three seconds after the first 20 of 20 a minute. Let
 * run five at a time, it admits no more than the minute's in its first quarter, and who was refused comes back to several.
 */
const DRAINED_AT_ONCE = 5

interface Bucket {
  /** How many it holds. */
  capacity: number
  /** How many run out at once, and how often, in ms. */
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
  const drops = Math.max(0, Math.floor((nowMs - drainedMs) / bucket.everyMs))
  const left = Math.max(0, Math.min(level, bucket.capacity) - drops * bucket.drop)
  return left === 0 ? { level: 0, drainedMs: nowMs } : { level: left, drainedMs: drainedMs + drops * bucket.everyMs }
}

/** How much of the minute's bucket is left, and in how many ms more comes back; undefined without a limit. */
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
