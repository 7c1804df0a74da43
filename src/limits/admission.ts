import { refusing } from '../refusals/refuse'
import type { Failure } from '../runtime/errors'
import type { Payer } from '../ledger/entry'
import type { Limits } from './limits'
import { type LimitScope, type LimitStatus, limitStatusesOf } from './limit-status'

/** A request that was let in, or why it was not. */
export interface Admission {
  payer: Payer
  /** How many teams of that id there were before, with whose answers it has nothing to do. */
  incarnation: number
  /** The key's own and the team's. */
  limits: Limits[]
  limitStatuses: LimitStatus[]
  refusal: Failure | undefined
  /** How many more requests whoever asks may let in by itself, within the next second. */
  lease: number
}

/** Why one more request is not let in now; undefined where it is. */
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

/** What a generation takes: pictures, and at most so much money in micro-USD, undefined where nobody knows. */
interface WantedImages {
  images: number
  quote: number | undefined
}

/** Why one more generation is not started now. */
export interface LimitRefusal {
  failure: Failure
  /** Whose generations under way have to finish first, where that would help. */
  heldUpBy?: LimitScope['name']
}

/**
 * Why one more generation is not started now; undefined where it is. `freeMs` tells in how many ms one of those under way
 * may have finished.
 */
export function refuseGeneration(
  scopes: readonly LimitScope[],
  wanted: WantedImages,
  freeMs: () => number,
  nowMs: number,
): LimitRefusal | undefined {
  for (const scope of scopes) {
    for (const standing of limitStatusesOf(scope, nowMs)) {
      const failure = refuseByLimit(standing, wanted, scope, freeMs)
      if (failure) return { failure, ...(failure.code === 'concurrency_limited' ? { heldUpBy: scope.name } : {}) }
    }
  }
  return undefined
}

function refuseByLimit(
  standing: LimitStatus,
  { images, quote }: WantedImages,
  { reserved }: LimitScope,
  freeMs: () => number,
): Failure | undefined {
  const { limit, scope, max, used, remaining } = standing
  if (limit === 'images_per_day' && images > max) return neverAllowed(`more than ${max} images in a day`, scope)
  if (limit === 'images_per_day' && images > remaining) return dailyLimitReached('images', standing)
  if (limit === 'concurrency' && max === 0) return neverAllowed('a new image', scope)
  if (limit === 'concurrency' && remaining < 1) {
    return concurrencyLimited(`This ${scope} has ${max} generations under way, which is its limit.`, freeMs())
  }
  if (limit !== 'budget_usd') return undefined
  if (quote === undefined) return UNPRICED_MODEL
  if (quote <= remaining) return undefined
  // The money is there, but may yet be needed: what is under way is quoted at the most that it is expected to cost.
  if (quote > max - (used - reserved)) return budgetExhausted(standing)
  return concurrencyLimited(`What is left of this ${scope}'s budget is held for generations under way.`, freeMs())
}

const concurrencyLimited = (why: string, retryAfterMs: number): Failure => ({
  code: 'concurrency_limited',
  message: `${why} Try again when one has finished.`,
  reason: 'rate_limit_exceeded',
  retryAfterMs,
})

const neverAllowed = (what: string, scope: LimitScope['name']): Failure => ({
  code: 'rate_limited',
  message: `The limits of this ${scope} do not allow ${what}. Have them changed by whoever runs this gateway.`,
  reason: 'rate_limit_exceeded',
  retry: false,
})

const budgetExhausted = ({ scope, resetMs }: LimitStatus): Failure => ({
  code: 'budget_exhausted',
  message: `What is left of this ${scope}'s budget for the month does not pay for this request. Have it raised, or wait for the next month.`,
  ...(resetMs === undefined ? {} : { retryAfterMs: resetMs }),
  retry: false,
})

const UNPRICED_MODEL = refusing({ reason: 'model_without_price', field: 'model' })

/** An SDK that tries again within seconds only adds to the load. */
const dailyLimitReached = (what: string, { scope, max, resetMs }: LimitStatus): Failure => ({
  code: 'rate_limited',
  message: `Rate limit reached for this ${scope}: ${max} ${what} per day. Try again in ${inSeconds(resetMs ?? 0)}, when the next day (UTC) begins.`,
  reason: 'rate_limit_exceeded',
  ...(resetMs === undefined ? {} : { retryAfterMs: resetMs }),
  retry: false,
})

const inSeconds = (ms: number): string => `${Math.ceil(ms / 1000)}s`
