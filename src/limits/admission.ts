import { refusing } from '../failures/refuse'
import type { Failure } from '../failures/errors'
import type { Payer } from '../ledger/entry'
import type { Lease } from './lease'
import { DEFAULT_MAX_QUEUED, type Limits } from './limits'
import { type LimitScope, type LimitStatus, limitStatusesOf } from './limit-status'

/** The admission of a request, or its refusal. */
export interface Admission {
  payer: Payer
  /** The number of deleted teams of this id; it separates their answers in the cache. */
  incarnation: number
  /** Those of the key and of the team. */
  limits: Limits[]
  /** Whether the request is made by itself, by the setting of its key or of its team. */
  fresh: boolean
  limitStatuses: LimitStatus[]
  /** Grows with each admission of the team: replies may overtake each other. */
  number: number
  refusal: Failure | undefined
  /** Further requests that the caller may admit by itself. */
  lease?: Lease | undefined
}

/** The refusal of one more request now; undefined if the limits allow it. */
export function refuseRequest(all: readonly LimitStatus[]): Failure | undefined {
  const full = (limit: LimitStatus['limit']): LimitStatus | undefined =>
    all
      .filter((each) => each.limit === limit && each.remaining < 1)
      .toSorted((a, b) => (b.resetMs ?? 0) - (a.resetMs ?? 0))[0]
  const day = full('requests_per_day')
  if (day?.max === 0) return neverAllowed('any request', day.scope)
  if (day) return dailyLimitReached('requests', day)
  const minute = full('requests_per_minute')
  if (!minute) return undefined
  const wait = minute.resetMs ?? 0
  return {
    code: 'rate_limited',
    message: `Rate limit reached for this ${minute.scope}: ${minute.max} requests per minute. Try again in ${inSeconds(wait)}.`,
    reason: 'rate_limit_exceeded',
    retryAfterMs: wait,
  }
}

/** The use of limits by one generation. */
interface WantedImages {
  images: number
  /** The largest expected cost in micro-USD; undefined without a known price. */
  quote: number | undefined
}

/** The refusal of one more generation now. */
export interface LimitRefusal {
  failure: Failure
  /** The scope in which a running generation has to finish first; absent if waiting is of no use. */
  heldUpBy?: LimitScope['name']
}

/**
 * The refusal of one more generation now; undefined if the limits allow it.
 * `freeMs` estimates the ms until a running generation finishes.
 */
export function refuseGeneration(
  scopes: readonly LimitScope[],
  wanted: WantedImages,
  freeMs: () => number,
  nowMs: number,
): LimitRefusal | undefined {
  for (const scope of scopes) {
    for (const status of limitStatusesOf(scope, nowMs)) {
      const failure = refuseByLimit(status, wanted, scope, freeMs)
      if (failure) return { failure, ...(failure.code === 'concurrency_limited' ? { heldUpBy: scope.name } : {}) }
    }
  }
  return undefined
}

/** The limits with use that the settlement of a generation gives back. */
const GIVEN_BACK: readonly LimitStatus['limit'][] = ['concurrency', 'budget_usd']

/** Whether more than half of each limit is left that settlements give back. */
export const leaveRoom = (all: readonly LimitStatus[]): boolean =>
  all.every(({ limit, remaining, max }) => !GIVEN_BACK.includes(limit) || 2 * remaining > max)

/** The refusal of a generation that the limits never allow, even unused; undefined if they may allow it. */
export function refuseForGood(all: readonly LimitStatus[], wanted: WantedImages): Failure | undefined {
  for (const status of all) {
    const unused = { ...status, used: 0, remaining: status.max }
    const failure = refuseByLimit(unused, wanted, { reserved: 0 }, () => 0)
    if (failure) return failure
  }
  return undefined
}

function refuseByLimit(
  status: LimitStatus,
  { images, quote }: WantedImages,
  { reserved }: Pick<LimitScope, 'reserved'>,
  freeMs: () => number,
): Failure | undefined {
  const { limit, scope, max, used, remaining } = status
  if (limit === 'images_per_day' && images > max) return neverAllowed(`more than ${max} images in a day`, scope)
  if (limit === 'images_per_day' && images > remaining) return dailyLimitReached('images', status)
  if (limit === 'concurrency' && max === 0) return neverAllowed('a new image', scope)
  if (limit === 'concurrency' && remaining < 1) {
    return concurrencyLimited(`This ${scope} has ${max} generations under way, which is its limit.`, freeMs())
  }
  if (limit !== 'budget_usd') return undefined
  if (quote === undefined) return UNPRICED_MODEL
  if (quote <= remaining) return undefined
  // Running generations reserve their largest expected cost, and may release some of it.
  if (quote > max - (used - reserved)) return budgetExhausted(status)
  return concurrencyLimited(`The rest of this ${scope}'s budget is held for generations under way.`, freeMs())
}

/** The waiting generations of a team, or of a key alone. */
export interface QueueScope {
  name: LimitScope['name']
  limits: Limits
  queued: number
}

/**
 * The refusal of one more waiting generation; undefined if the queue has room. Without a queue it is the one `now`.
 */
export function refuseQueueing(scopes: readonly QueueScope[], now: Failure): Failure | undefined {
  for (const { name, limits, queued } of scopes) {
    const { max_queued: max = name === 'team' ? DEFAULT_MAX_QUEUED : null } = limits
    if (max !== null && queued >= max) return max === 0 ? now : queueFull(name, max, now)
  }
  return undefined
}

const queueFull = (scope: LimitScope['name'], max: number, { retryAfterMs }: Failure): Failure => ({
  code: 'queue_full',
  message: `The queue of this ${scope} is full: ${max} generations wait in it (max_queued). Send this one again when some of them have been made.`,
  reason: 'rate_limit_exceeded',
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
})

const concurrencyLimited = (why: string, retryAfterMs: number): Failure => ({
  code: 'concurrency_limited',
  message: `${why} Try again when one has finished.`,
  reason: 'rate_limit_exceeded',
  retryAfterMs,
})

const neverAllowed = (what: string, scope: LimitScope['name']): Failure => ({
  code: 'rate_limited',
  message: `The limits of this ${scope} do not allow ${what}. Ask the gateway's operator to change them.`,
  reason: 'rate_limit_exceeded',
  retry: false,
})

const budgetExhausted = ({ scope, resetMs }: LimitStatus): Failure => ({
  code: 'budget_exhausted',
  message: `The rest of this ${scope}'s budget for the month does not pay for this request. Have it raised, or wait for the next month.`,
  ...(resetMs === undefined ? {} : { retryAfterMs: resetMs }),
  retry: false,
})

const UNPRICED_MODEL = refusing({ reason: 'model_without_price', field: 'model' })

/** Not to be retried: an SDK retries within seconds, which only adds load. */
const dailyLimitReached = (what: string, { scope, max, resetMs }: LimitStatus): Failure => ({
  code: 'rate_limited',
  message: `Rate limit reached for this ${scope}: ${max} ${what} per day. Try again in ${inSeconds(resetMs ?? 0)}, when the next day (UTC) begins.`,
  reason: 'rate_limit_exceeded',
  ...(resetMs === undefined ? {} : { retryAfterMs: resetMs }),
  retry: false,
})

const inSeconds = (ms: number): string => `${Math.ceil(ms / 1000)}s`
