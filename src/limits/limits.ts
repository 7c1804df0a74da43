import * as z from 'zod'
import { refusing } from '../failures/refuse'
import type { Failure } from '../failures/errors'
import type { Place } from '../failures/refusal'
import type { ImageRequest } from '../image/request'

const limitedCount = z.int().min(0).nullish()

/**
 * The limits of a team, a key or a plan, as settings and the admin API spell them.
 * An absent limit is that of the plan; null means no limit.
 */
export const limitsSchema = z.strictObject({
  requests_per_minute: z.int().min(1).nullish().describe('a token bucket: requests a minute'),
  burst: z.int().min(1).nullish().describe('requests of a minute that may come at once; all of them, if missing'),
  requests_per_day: limitedCount.describe('requests of a day (UTC), stored and joined answers included'),
  images_per_day: limitedCount.describe('images of a day (UTC), stored and joined answers not included'),
  concurrency: limitedCount.describe('generations under way at the same time'),
  max_queued: limitedCount.describe(
    'generations that wait for their turn at the same time; 1000 of a team, if missing',
  ),
  budget_usd: z
    .number()
    .min(0)
    .max(1e9)
    .nullish()
    .describe('USD of a calendar month (UTC), rounded to a micro-dollar; a model without a price is refused'),
  models: z.array(z.string().min(1)).nullish().describe('names of models, or patterns that end in `*`'),
  /** A request allows at most 10 (protocols §1.1). */
  max_n: z.int().min(1).max(10).nullish().describe('images of a request'),
  max_size: z
    .string()
    .regex(/^[1-9]\d{0,5}x[1-9]\d{0,5}$/, 'a size is WIDTHxHEIGHT, for example 2048x2048')
    .nullish()
    .describe('the largest size, in both directions; `auto` counts as 1536x1024'),
})
export type Limits = z.infer<typeof limitsSchema>

/** The generations of a team that wait for their turn at the same time, without a limit of its own. */
export const DEFAULT_MAX_QUEUED = 1000

/** Whether a limit is set: neither null nor absent. */
export const isLimitSet = <Limit>(limit: Limit | null | undefined): limit is Limit =>
  limit !== null && limit !== undefined

/** Whether limits count requests, of a minute or of a day. */
export const limitsRequests = ({ requests_per_minute, requests_per_day }: Limits): boolean =>
  isLimitSet(requests_per_minute) || isLimitSet(requests_per_day)

/** Whether limits set a burst without requests per minute, where it has no effect. */
export const isBurstAlone = ({ burst, requests_per_minute: perMinute }: Limits): boolean => Boolean(burst && !perMinute)

export const BURST_ALONE = 'A burst needs requests_per_minute as well: it is how many of those may come at once.'

/** The plans that exist without a setting: no limits at all, and the limits of a relay (protocols §9.4). */
export const PLANS: Readonly<Record<string, Limits>> = {
  unlimited: {},
  free: { requests_per_minute: 20, requests_per_day: 150, concurrency: 5 },
  tier1: { requests_per_minute: 60, concurrency: 5 },
  tier2: { requests_per_minute: 100, concurrency: 5 },
}

/** The refusal of a model that the limits do not allow. `meant` resolves the name of a model. */
export const refuseModel = (
  model: string,
  all: readonly Limits[],
  meant: (name: string) => string | undefined,
  field: Place = 'model',
): Failure | undefined =>
  all.every((limits) => allowsModel(limits, model, meant))
    ? undefined
    : refusing({ reason: 'model_not_allowed', field, given: model })

/** The refusal of a request that the limits never allow, at any time. `meant` resolves the name of a model. */
export function refuseDisallowed(
  request: Pick<ImageRequest, 'model' | 'n' | 'size' | 'crop'>,
  all: readonly Limits[],
  meant: (name: string) => string | undefined,
): Failure | undefined {
  const refusedModel = refuseModel(request.model, all, meant)
  if (refusedModel) return refusedModel
  // The caller receives the cropped size.
  const size = request.crop ?? request.size
  for (const { max_n, max_size } of all) {
    if (max_n && request.n > max_n) {
      return refusing({ reason: 'above_maximum', field: 'n', given: request.n, maximum: max_n })
    }
    if (max_size && exceedsSize(size, max_size)) {
      const fault = { is: 'above_limit', max: max_size } as const
      return refusing({ reason: 'invalid_size', field: 'size', given: size, fault })
    }
  }
  return undefined
}

/** Whether limits bound money or images, so that a request may cost no more than the gateway can count. */
export const boundCosts = (all: readonly Limits[]): boolean =>
  all.some(({ images_per_day, max_n, max_size, budget_usd }) =>
    [images_per_day, max_n, max_size, budget_usd].some(isLimitSet),
  )

/** Whether limits allow a model. `meant` resolves the name of a model. */
export const allowsModel = ({ models }: Limits, model: string, meant: (name: string) => string | undefined): boolean =>
  !models || models.some((name) => matchesPattern(name, model) || meant(name) === model)

const matchesPattern = (pattern: string, model: string): boolean =>
  pattern.endsWith('*') ? model.startsWith(pattern.slice(0, -1)) : pattern === model

/** The largest size that models choose for `auto` (protocols §1.2). */
const ASSUMED_AUTO_SIZE = '1536x1024'

/** Whether a size is beyond the largest allowed one; a size without pixels, such as `2K`, always is. */
function exceedsSize(asked: string, max: string): boolean {
  const [short = Infinity, long = Infinity] = edgesOf(asked === 'auto' ? ASSUMED_AUTO_SIZE : asked)
  const [maxShort = 0, maxLong = 0] = edgesOf(max)
  return !(short <= maxShort && long <= maxLong)
}

const edgesOf = (size: string): number[] =>
  size
    .split('x')
    .map(Number)
    .toSorted((a, b) => a - b)
