/** What an account has been through, as far as it decides whether it is asked again; times are ms since 1970. */
export interface Health {
  /** When its operator took it out; undefined while it is in. */
  outMs?: number | undefined
  /** Since when it is of no use until somebody mends it, and with which HTTP status it said so. */
  disabled?: { sinceMs: number; status: number | undefined } | undefined
  /** It wants to be left alone until then, and has said so as many times in a row, the first of them when. */
  cooling: { untilMs: number; times: number; sinceMs?: number | undefined }
  /**
   * How many of its requests failed in a row, for how long it is let be, and how often it has come to that in a row, the
   * first time when.
   */
  trouble: { failures: number; openUntilMs: number; openings: number; sinceMs?: number | undefined }
  /** Until when one request may try whether it works, which nobody else does meanwhile. */
  probingUntilMs: number
  /** Whether it has ever served anything. */
  proven: boolean
  /** Models, by its own names, that are out of its reach, and until when that is believed. */
  without: Readonly<Record<string, number>>
}

export const NEW: Health = {
  cooling: { untilMs: 0, times: 0 },
  trouble: { failures: 0, openUntilMs: 0, openings: 0 },
  probingUntilMs: 0,
  proven: false,
  without: {},
}

/** How a request ended, as far as it tells of the account that had it. */
export type CallOutcome =
  /** It answered, be it with a refusal: what somebody asks for says nothing of the account. */
  | { is: 'served' }
  | { is: 'throttled'; retryAfterMs?: number | undefined }
  | { is: 'unavailable' }
  | { is: 'misconfigured'; ofModel: boolean; status?: number | undefined }
  /** It was called off, or came to nothing by what was asked for, which tells nothing. */
  | { is: 'cancelled' }

/** Why an account is not asked. */
export type UnavailabilityReason =
  | 'out'
  | 'disabled'
  | 'cooling'
  | 'open'
  | 'probing'
  | 'full'
  | 'busy'
  | 'without-model'
  | 'unreachable'

/** Why an account is not asked, and until when, in ms since 1970, which may be for ever. */
export interface Unavailability {
  hindrance: UnavailabilityReason
  untilMs: number
}

/** How an account stands: it may be asked, or why not. */
export type Availability = { hindrance?: undefined; isProbe: boolean } | Unavailability

/** So many failures in a row end its being asked. */
const FAILURES_TO_OPEN = 5
/** For how long it is let be then, in ms: twice as long each time, up to the longest. */
const [OPEN_MS, MAX_OPEN_MS] = [30_000, 600_000]
/** How long one is left alone that does not say how long it wants to be, in ms: twice as long each time. */
const [COOL_MS, MAX_COOL_MS] = [5000, 300_000]
/** For how long the others wait for a request that tries whether it works, in ms: a new one, and one that was open. */
const [PROBE_MS, RETRIAL_MS] = [2000, 30_000]
/** For how long it is believed that a model is out of its reach, in ms. */
const WITHOUT_MS = 300_000
/** Of how many models at most. */
const MAX_WITHOUT = 100

const doubled = (first: number, times: number, most: number): number => Math.min(most, first * 2 ** times)

/** How an account stands with a model. */
export function availabilityOf(health: Health, model: string, nowMs: number): Availability {
  const { outMs, disabled, cooling, trouble, probingUntilMs, without } = health
  if (outMs !== undefined) return { hindrance: 'out', untilMs: Infinity }
  if (disabled) return { hindrance: 'disabled', untilMs: Infinity }
  const rests: Unavailability[] = [
    { hindrance: 'cooling', untilMs: cooling.untilMs },
    { hindrance: 'open', untilMs: trouble.openUntilMs },
    { hindrance: 'without-model', untilMs: without[model] ?? 0 },
  ]
  const [longest] = rests.filter(({ untilMs }) => untilMs > nowMs).toSorted((a, b) => b.untilMs - a.untilMs)
  if (longest) return longest
  const isNew = isUntried(health)
  const isDoubtful = isNew || trouble.openings > 0
  if (isDoubtful && probingUntilMs > nowMs) return { hindrance: 'probing', untilMs: probingUntilMs }
  // One that is but slow to answer the first request is not out of order.
  return { isProbe: isNew ? probingUntilMs === 0 : isDoubtful }
}

/** Whether nothing is known of an account, for good or ill. */
export const isUntried = ({ proven, trouble }: Health): boolean => !proven && trouble.openings === 0

/** An account that is being asked. */
export const asked = (health: Health, { isProbe }: { isProbe: boolean }, nowMs: number): Health =>
  isProbe ? { ...health, probingUntilMs: nowMs + (isUntried(health) ? PROBE_MS : RETRIAL_MS) } : health

/** What an account has been through after one more request for a model. */
export function healthAfter(health: Health, outcome: CallOutcome, model: string, nowMs: number): Health {
  const over = { ...health, probingUntilMs: 0 }
  switch (outcome.is) {
    case 'served':
      return isUntroubled(health) ? health : relieved(health, nowMs)
    case 'throttled': {
      const { times, sinceMs = nowMs } = health.cooling
      const waitMs = outcome.retryAfterMs ?? doubled(COOL_MS, times, MAX_COOL_MS)
      // Several may come back with the same news: that is told but once.
      const again = health.cooling.untilMs > nowMs ? times : times + 1
      return { ...over, cooling: { untilMs: Math.max(health.cooling.untilMs, nowMs + waitMs), times: again, sinceMs } }
    }
    case 'unavailable':
      return { ...over, trouble: troubled(health.trouble, nowMs) }
    case 'misconfigured':
      return outcome.ofModel
        ? { ...over, without: newest({ ...health.without, [model]: nowMs + WITHOUT_MS }, nowMs) }
        : { ...over, disabled: health.disabled ?? { sinceMs: nowMs, status: outcome.status } }
    case 'cancelled':
      return over
  }
}

/** It may have had that in hand before it was found to be of no use, or asked to be left alone: both stay as they are. */
const relieved = ({ outMs, disabled, cooling, without }: Health, nowMs: number): Health => ({
  ...NEW,
  outMs,
  disabled,
  cooling: cooling.untilMs > nowMs ? cooling : NEW.cooling,
  without,
  proven: true,
})

/** Nothing to write down after one more success. */
const isUntroubled = ({ disabled, cooling, trouble, proven, probingUntilMs }: Health): boolean =>
  proven && !disabled && cooling.times === 0 && trouble.failures === 0 && trouble.openings === 0 && probingUntilMs === 0

function troubled(trouble: Health['trouble'], nowMs: number): Health['trouble'] {
  const { openUntilMs, openings, sinceMs = nowMs } = trouble
  if (openUntilMs > nowMs) return trouble
  const failures = trouble.failures + 1
  if (openings === 0 && failures < FAILURES_TO_OPEN) return { failures, openUntilMs, openings }
  const longerUntilMs = nowMs + doubled(OPEN_MS, openings, MAX_OPEN_MS)
  return { failures, openUntilMs: longerUntilMs, openings: openings + 1, sinceMs }
}

/** What is believed last: it is clients who name models where a pattern stands for them. */
const newest = (without: Health['without'], nowMs: number): Health['without'] =>
  Object.fromEntries(
    Object.entries(without)
      .filter(([, untilMs]) => untilMs > nowMs)
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, MAX_WITHOUT),
  )

/** Takes an account out, or puts it back as if nothing had happened to it. */
export const switched = (health: Health, isIn: boolean, nowMs: number): Health =>
  isIn ? NEW : { ...health, outMs: health.outMs ?? nowMs }
