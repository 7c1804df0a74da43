import {
  type AccountTrouble,
  afterAnswer,
  afterFailure,
  CALM,
  type Cause,
  doubled,
  type FailedRequest,
  isUnchangedBy,
  type Trouble,
} from './trouble'

/** The history of an account, as far as routing needs it; times are in ms since 1970. */
export interface Health extends AccountTrouble {
  /** The moment when the operator took the account out; undefined while it is in use. */
  outMs?: number | undefined
  /** A failure of the credential or its money: its status, the time of the next try, and the failed tries. */
  disabled?: { sinceMs: number; status?: number | undefined; untilMs: number; times: number } | undefined
  /** The end of the cooldown, the number in a row, and the start of the first. `isLong`: one request tries it first. */
  cooling: { untilMs: number; times: number; sinceMs?: number | undefined; isLong?: boolean | undefined }
  /** The end of a probe: one request tries the account, and others wait. */
  probingUntilMs: number
  /** Whether the account has ever served a request. */
  proven: boolean
  /** Rests of single models by the account's own names; `gpt-image*` is a group. */
  models: Readonly<Record<string, ModelRest>>
}

/** The rest of a model at an account: it is lacking, or at its limit. */
export interface ModelRest {
  reason: 'without-model' | 'cooling'
  untilMs: number
  /** The number of rests in a row. */
  times: number
}

export const NEW: Health = {
  cooling: { untilMs: 0, times: 0 },
  trouble: CALM,
  payers: {},
  probingUntilMs: 0,
  proven: false,
  models: {},
}

/** The facts of a request that its outcome is kept by. */
export interface RequestSource extends FailedRequest {
  /** The upstream's own name of the model. */
  model: string
}

/** The outcome of a request, as far as it concerns the account. */
export type CallOutcome =
  /** The account answered, even with a refusal: the content of a request is not its fault. */
  | { is: 'served' }
  /** `group` is the group of models that the limit names. */
  | { is: 'throttled'; retryAfterMs?: number | undefined; ofModel?: boolean; group?: string | undefined }
  | { is: 'unavailable'; cause?: Cause }
  | { is: 'misconfigured'; ofModel: boolean; status?: number | undefined }
  /** The request was cancelled or failed by its own content, which says nothing of the account. */
  | { is: 'cancelled' }

/** The reason why an account takes no request. */
export type UnavailabilityReason =
  | 'out'
  | 'disabled'
  | 'misplaced'
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

/** The first and the longest time until a disabled account is tried, in ms; each is twice the one before. */
const [DISABLED_MS, MAX_DISABLED_MS] = [300_000, 3_600_000]
/** The first and the longest cooldown without a `retry-after`, in ms; each is twice as long as the one before. */
const [COOL_MS, MAX_COOL_MS] = [5000, 300_000]
/** The longest cooldown that an upstream can ask for, in ms. One request tries the account sooner, then ever later. */
const MAX_NAMED_COOL_MS = 3_600_000
/** The time of a probe for a new account and for one after a pause, in ms. */
const [PROBE_MS, RETRIAL_MS] = [2000, 30_000]
/** The time for which an account is believed to lack a model, in ms. */
const WITHOUT_MS = 300_000
/** The number of models with a rest of their own. */
const MAX_MODELS = 100

/** The reason of a pause by its cause. */
const REASONS: Readonly<Record<Cause, UnavailabilityReason>> = {
  failures: 'open',
  forbidden: 'disabled',
  misplaced: 'misplaced',
}

const pauseOf = ({ cause, openUntilMs }: Trouble): Unavailability => ({ reason: REASONS[cause], untilMs: openUntilMs })

/** The availability of an account for a model and a payer. */
export function availabilityOf(
  health: Health,
  { model, payer }: Pick<RequestSource, 'model' | 'payer'>,
  nowMs: number,
): Availability {
  const { outMs, disabled, cooling, trouble, payers, models } = health
  if (outMs !== undefined) return { reason: 'out', untilMs: Infinity }
  const own = payers[payer]
  const isTried = health.probingUntilMs > nowMs
  if (disabled && (disabled.untilMs > nowMs || isTried)) return { reason: 'disabled', untilMs: disabled.untilMs }
  const rests: Unavailability[] = [
    { reason: 'cooling', untilMs: cooling.untilMs },
    pauseOf(trouble),
    ...(own ? [pauseOf(own)] : []),
    ...Object.entries(models).flatMap(([name, rest]) => (covers(name, model) ? [rest] : [])),
  ]
  const [longest] = rests.filter(({ untilMs }) => untilMs > nowMs).toSorted((a, b) => b.untilMs - a.untilMs)
  if (longest) return { reason: longest.reason, untilMs: longest.untilMs }
  const isOwnProbe = own !== undefined && own.openings > 0
  if (isOwnProbe && own.probingUntilMs > nowMs) return { reason: 'probing', untilMs: own.probingUntilMs }
  const isNew = isUntried(health)
  const isDoubtful = isNew || trouble.openings > 0 || cooling.isLong === true || disabled !== undefined
  if (isDoubtful && isTried) return { reason: 'probing', untilMs: health.probingUntilMs }
  // A new account that is slow to answer its first request is not out of order.
  return { isProbe: isOwnProbe || (isDoubtful && (!isNew || health.probingUntilMs === 0)) }
}

/** Whether an entry of `models` concerns a model: its own, or that of a group. */
const covers = (name: string, model: string): boolean =>
  name === model || (name.endsWith('*') && model.startsWith(name.slice(0, -1)))

/** Whether an account has neither served nor paused yet. */
export const isUntried = ({ proven, trouble, disabled }: Health): boolean =>
  !proven && trouble.openings === 0 && disabled === undefined

/** The health after a request was sent. */
export function afterSending(health: Health, { isProbe }: { isProbe: boolean }, payer: string, nowMs: number): Health {
  if (!isProbe) return health
  const own = health.payers[payer]
  const payers =
    own && own.openings > 0
      ? { ...health.payers, [payer]: { ...own, probingUntilMs: nowMs + RETRIAL_MS } }
      : health.payers
  return { ...health, payers, probingUntilMs: nowMs + (isUntried(health) ? PROBE_MS : RETRIAL_MS) }
}

/** The health after the outcome of a request. */
export function healthAfter(health: Health, outcome: CallOutcome, source: RequestSource, nowMs: number): Health {
  const over = { ...health, probingUntilMs: 0, payers: withoutProbe(health.payers, source.payer) }
  switch (outcome.is) {
    case 'served':
      return isUntroubled(health, source.payer, nowMs) ? health : afterSuccess(health, source.payer, nowMs)
    case 'throttled':
      return afterThrottling(over, outcome, source.model, nowMs)
    case 'unavailable':
      return { ...over, ...afterFailure(health, source, outcome.cause ?? 'failures', nowMs) }
    case 'misconfigured':
      return outcome.ofModel
        ? withRest(over, source.model, { reason: 'without-model', untilMs: nowMs + WITHOUT_MS, times: 1 }, nowMs)
        : { ...over, disabled: disabledAgain(health.disabled, outcome.status, nowMs) }
    case 'cancelled':
      return over
  }
}

const withoutProbe = (payers: Health['payers'], payer: string): Health['payers'] => {
  const own = payers[payer]
  return own && own.probingUntilMs > 0 ? { ...payers, [payer]: { ...own, probingUntilMs: 0 } } : payers
}

/** Concurrent requests, and those older than the failure, count once. */
function disabledAgain(before: Health['disabled'], status: number | undefined, nowMs: number): Health['disabled'] {
  if (before && before.untilMs > nowMs) return before
  const { sinceMs = nowMs, times = 0 } = before ?? {}
  return { sinceMs, status, untilMs: nowMs + doubled(DISABLED_MS, times, MAX_DISABLED_MS), times: times + 1 }
}

function afterThrottling(
  health: Health,
  { retryAfterMs, ofModel, group }: Extract<CallOutcome, { is: 'throttled' }>,
  model: string,
  nowMs: number,
): Health {
  const name = group !== undefined && model.startsWith(group) ? `${group}${model === group ? '' : '*'}` : model
  const isOfModel = ofModel === true || name !== model || group === model
  const before = isOfModel ? (health.models[name] ?? NEW.cooling) : health.cooling
  const longestMs = doubled(MAX_COOL_MS, before.times, MAX_NAMED_COOL_MS)
  const waitMs = Math.min(retryAfterMs ?? doubled(COOL_MS, before.times, MAX_COOL_MS), longestMs)
  // Concurrent requests can report the same cooldown; it counts once.
  const times = before.untilMs > nowMs ? before.times : before.times + 1
  const untilMs = Math.max(before.untilMs, nowMs + waitMs)
  if (isOfModel) return withRest(health, name, { reason: 'cooling', untilMs, times }, nowMs)
  const { sinceMs = nowMs } = health.cooling
  const isLong = (retryAfterMs ?? 0) > longestMs || undefined
  return { ...health, cooling: { untilMs, times, sinceMs, isLong } }
}

/** The request may be older than a cooldown or the failure of a credential: both stay until they are over. */
const afterSuccess = ({ outMs, disabled, cooling, payers, models }: Health, payer: string, nowMs: number): Health => ({
  ...NEW,
  outMs,
  disabled: disabled && disabled.untilMs > nowMs ? disabled : undefined,
  cooling: cooling.untilMs > nowMs ? cooling : NEW.cooling,
  payers: afterAnswer(payers, payer),
  models,
  proven: true,
})

/** Whether one more success changes nothing in storage. An account with openings has failures as well. */
const isUntroubled = (
  { cooling, trouble, proven, probingUntilMs, payers, disabled }: Health,
  payer: string,
  nowMs: number,
): boolean =>
  proven &&
  cooling.times === 0 &&
  trouble.failures === 0 &&
  probingUntilMs === 0 &&
  isUnchangedBy(payers, payer) &&
  (!disabled || disabled.untilMs > nowMs)

/** The newest entries: clients choose the names where a pattern covers them, so their number is limited. */
function withRest(health: Health, name: string, rest: ModelRest, nowMs: number): Health {
  const lasting = Object.entries({ ...health.models, [name]: rest })
    // An entry outlives its rest for a while, so that the next one is longer.
    .filter(([, { untilMs }]) => untilMs > nowMs - MAX_COOL_MS)
    .toSorted(([, a], [, b]) => b.untilMs - a.untilMs)
    .slice(0, MAX_MODELS)
  return { ...health, models: Object.fromEntries(lasting) }
}

/** Takes an account out of use, or puts it back with the health of a new one. */
export const afterSwitch = (health: Health, isIn: boolean, nowMs: number): Health =>
  isIn ? NEW : { ...health, outMs: health.outMs ?? nowMs }
