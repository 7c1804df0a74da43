import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../runtime/durations'

/** The pause after each failed attempt, without jitter (protocols §8.1). */
const PAUSES_MS = [5 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS, 5 * HOUR_MS, 10 * HOUR_MS]

/** The largest part of a pause that jitter adds to it. */
const JITTER = 0.2

/**
 * The time of the attempt after attempt number `attempt` (from 1), in ms since 1970; undefined after the last.
 * `random`, from 0 to 1, spreads events that failed at the same moment. `retryAfterMs` is the least pause.
 */
export function nextAttemptMs(
  attempt: number,
  nowMs: number,
  random: number,
  retryAfterMs: number = 0,
): number | undefined {
  const pauseMs = PAUSES_MS[attempt - 1]
  return pauseMs === undefined ? undefined : nowMs + Math.max(Math.round(pauseMs * (1 + JITTER * random)), retryAfterMs)
}
