/** Requests sent, by the whole second since 1970. */
export type SentBySecond = ReadonlyMap<number, number>

/** The longest way of a request from its slot to the upstream, in s: a later one may arrive sooner. */
const DELAY_SECONDS = 5
/** Any minute at the upstream lies within this time of slots, in s. One second is lost by rounding. */
const WINDOW_SECONDS = 60 + DELAY_SECONDS + 1
/** The time in which a burst ends, in s, and its share of the requests of a minute. */
const [BURST_SECONDS, BURST_SHARE] = [Math.ceil(WINDOW_SECONDS / 8), 1 / 4]
/** A burst of so many is never too large: people send several requests at once. */
const LEAST_BURST = 5

/**
 * The moment from which one more request keeps to a limit per minute, in ms since 1970; undefined for now. No 60 s hold
 * more at the upstream, however long each request is on its way, and bursts are spread.
 */
export function heldUntilMs(sent: SentBySecond, perMinute: number, nowMs: number): number | undefined {
  const burst = Math.max(LEAST_BURST, Math.ceil(perMinute * BURST_SHARE))
  const untilMs = Math.max(
    fullUntilMs(sent, { seconds: WINDOW_SECONDS, most: perMinute }, nowMs),
    fullUntilMs(sent, { seconds: BURST_SECONDS, most: burst }, nowMs),
  )
  return untilMs > nowMs ? untilMs : undefined
}

/** The end of the time for which a window of so many seconds is full; 0 if it is not. */
function fullUntilMs(sent: SentBySecond, { seconds, most }: { seconds: number; most: number }, nowMs: number): number {
  const oldest = Math.floor(nowMs / 1000) - seconds
  const within = [...sent].filter(([second]) => second > oldest).toSorted(([a], [b]) => a - b)
  let left = within.reduce((sum, [, count]) => sum + count, 0)
  for (const [second, count] of within) {
    if (left < most) return 0
    left -= count
    if (left < most) return (second + seconds) * 1000
  }
  return 0
}

/** The requests with one more at a moment, and without those that no window holds any more. */
export const withSent = (sent: SentBySecond, nowMs: number): Map<number, number> => {
  const now = Math.floor(nowMs / 1000)
  const recent = [...sent].filter(([second]) => second > now - WINDOW_SECONDS)
  return new Map([...recent, [now, (sent.get(now) ?? 0) + 1]])
}

/** The number of requests sent within the last minute. */
export const sentWithinMinute = (sent: SentBySecond, nowMs: number): number =>
  [...sent].reduce((sum, [second, count]) => (second > nowMs / 1000 - 60 ? sum + count : sum), 0)
