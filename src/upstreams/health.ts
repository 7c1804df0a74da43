/** The history of an account, as far as routing needs it; times are in ms since 1970. */
export interface Health {
  /** The moment when the operator took the account out; undefined while it is in use. */
  outMs?: number | undefined
  /** The moment of a failure that only the operator can mend, and its HTTP status. */
  disabled?: { sinceMs: number; status: number | undefined } | undefined
  /** The end of the cooldown, the number of cooldowns in a row, and the start of the first. */
  cooling: { untilMs: number; times: number; sinceMs?: number | undefined }
  /** Failures in a row and the end of the pause. Then the number of pauses in a row, and the start of the first. */
  trouble: { failures: number; openUntilMs: number; openings: number; sinceMs?: number | undefined }
  /** The end of a probe: one request tries the account, and others wait. */
  probingUntilMs: number
  /** Whether the account has ever served a request. */
  proven: boolean
  /** The end of the belief that the account lacks a model, by its own name of the model. */
  without: Readonly<Record<string, number>>
}

export const NEW: Health = {
  cooling: { untilMs: 0, times: 0 },
  trouble: { failures: 0, openUntilMs: 0, openings: 0 },
  probingUntilMs: 0,
  proven: false,
  without: {},
}

/** The outcome of a request, as far as it concerns the account. */
export type CallOutcome =
  /** The account answered, even with a refusal: the content of a request is not its fault. */
  | { is: 'served' }
  | { is: 'throttled'; retryAfterMs?: number | undefined }
  | { is: 'unavailable' }
  | { is: 'misconfigured'; ofModel: boolean; status?: number | undefined }
  /** The request was cancelled or failed by its own content, which says nothing of the account. */
  | { is: 'cancelled' }

/** The reason why an account takes no request. */
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

/** The reason why an account takes no request, and its end in ms since 1970; `Infinity` for no end. */
export interface Unavailability {
  reason: UnavailabilityReason
  untilMs: number
}

/** Whether an account takes a request. */
export type Availability = { reason?: undefined; isProbe: boolean } | Unavailability

/** Failures in a row that cause a pause. */
const FAILURES_TO_OPEN = 5
/** The first and the longest pause, in ms; each is twice as long as the one before. */
const [OPEN_MS, MAX_OPEN_MS] = [30_000, 600_000]
/** The first and the longest cooldown without a `retry-after`, in ms; each is twice as long as the one before. */
const [COOL_MS, MAX_COOL_MS] = [5000, 300_000]
/** The time of a probe for a new account and for one after a pause, in ms. */
const [PROBE_MS, RETRIAL_MS] = [2000, 30_000]
/** The time for which an account is believed to lack a model, in ms. */
const WITHOUT_MS = 300_000
/** The number of models remembered as lacking. */
const MAX_WITHOUT = 100

const doubled = (first: number, times: number, most: number): number => Math.min(most, first * 2 ** times)

/** The availability of an account for a model. */
export function availabilityOf(health: Health, model: string, nowMs: number): Availability {
  const { outMs, disabled, cooling, trouble, probingUntilMs, without } = health
  if (outMs !== undefined) return { reason: 'out', untilMs: Infinity }
  if (disabled) return { reason: 'disabled', untilMs: Infinity }
  const rests: Unavailability[] = [
    { reason: 'cooling', untilMs: cooling.untilMs },
    { reason: 'open', untilMs: trouble.openUntilMs },
    { reason: 'without-model', untilMs: without[model] ?? 0 },
  ]
  const [longest] = rests.filter(({ untilMs }) => untilMs > nowMs).toSorted((a, b) => b.untilMs - a.untilMs)
  if (longest) return longest
  const isNew = isUntried(health)
  const isDoubtful = isNew || trouble.openings > 0
  if (isDoubtful && probingUntilMs > nowMs) return { reason: 'probing', untilMs: probingUntilMs }
  // A new account that is slow to answer its first request is not out of order.
  return { isProbe: isNew ? probingUntilMs === 0 : isDoubtful }
}

/** Whether an account has neither served nor paused yet. */
export const isUntried = ({ proven, trouble }: Health): boolean => !proven && trouble.openings === 0

/** The health after a request was sent. */
export const afterSending = (health: Health, { isProbe }: { isProbe: boolean }, nowMs: number): Health =>
  isProbe ? { ...health, probingUntilMs: nowMs + (isUntried(health) ? PROBE_MS : RETRIAL_MS) } : health

/** The health after the outcome of a request for a model. */
export function healthAfter(health: Health, outcome: CallOutcome, model: string, nowMs: number): Health {
  const over = { ...health, probingUntilMs: 0 }
  switch (outcome.is) {
    case 'served':
      return isUntroubled(health) ? health : afterSuccess(health, nowMs)
    case 'throttled': {
      const { times, sinceMs = nowMs } = health.cooling
      const waitMs = outcome.retryAfterMs ?? doubled(COOL_MS, times, MAX_COOL_MS)
      // Concurrent requests can report the same cooldown; it counts once.
      const again = health.cooling.untilMs > nowMs ? times : times + 1
      return { ...over, cooling: { untilMs: Math.max(health.cooling.untilMs, nowMs + waitMs), times: again, sinceMs } }
    }
    case 'unavailable':
      return { ...over, trouble: afterTrouble(health.trouble, nowMs) }
    case 'misconfigured':
      return outcome.ofModel
        ? { ...over, without: newest({ ...health.without, [model]: nowMs + WITHOUT_MS }, nowMs) }
        : { ...over, disabled: health.disabled ?? { sinceMs: nowMs, status: outcome.status } }
    case 'cancelled':
      return over
  }
}

/** The request may be older than a pause for mending or a cooldown: both stay. */
const afterSuccess = ({ outMs, disabled, cooling, without }: Health, nowMs: number): Health => ({
  ...NEW,
  outMs,
  disabled,
  cooling: cooling.untilMs > nowMs ? cooling : NEW.cooling,
  without,
  proven: true,
})

/** Whether one more success changes nothing in storage. An account with openings has failures as well. */
const isUntroubled = ({ cooling, trouble, proven, probingUntilMs }: Health): boolean =>
  proven && cooling.times === 0 && trouble.failures === 0 && probingUntilMs === 0

function afterTrouble(trouble: Health['trouble'], nowMs: number): Health['trouble'] {
  const { openUntilMs, openings, sinceMs = nowMs } = trouble
  if (openUntilMs > nowMs) return trouble
  const failures = trouble.failures + 1
  if (openings === 0 && failures < FAILURES_TO_OPEN) return { failures, openUntilMs, openings }
  const longerUntilMs = nowMs + doubled(OPEN_MS, openings, MAX_OPEN_MS)
  return { failures, openUntilMs: longerUntilMs, openings: openings + 1, sinceMs }
}

/** The newest entries: clients choose the names where a pattern covers them, so their number is limited. */
const newest = (without: Health['without'], nowMs: number): Health['without'] =>
  Object.fromEntries(
    Object.entries(without)
      .filter(([, untilMs]) => untilMs > nowMs)
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, MAX_WITHOUT),
  )

/** Takes an account out of use, or puts it back with the health of a new one. */
export const afterSwitch = (health: Health, isIn: boolean, nowMs: number): Health =>
  isIn ? NEW : { ...health, outMs: health.outMs ?? nowMs }
