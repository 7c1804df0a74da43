import { believed, cost, costOfUsage, quote } from '../catalog/quote'
import type { Model } from '../catalog/model'
import type { Prices } from '../catalog/prices'
import type { Config } from '../config'
import { GatewayError } from '../failures/errors'
import type { ImageRequest } from '../image/request'
import { ProviderError, type Spent } from '../providers/provider'
import { log } from '../runtime/log'
import { pricesFor } from '../upstreams/catalogue'
import { type Call, type CallEnding, madeBy, missingOf, type Progress, requestOf } from './progress'
import type { Spending } from './outcome'
import type { Task } from './task'

/** A call with its run's progress and the prices of its upstream. */
export interface CallContext {
  call: Call
  progress: Progress
  task: Task
  config: Config
}

/** An input picture could not be read, so the upstream has not received the whole request. */
export class InputNotRead extends GatewayError {}

/** The ending of a call that cost nothing. */
export const FREE: CallEnding = { is: 'free', cost: 0 }

/** The ending of a call without a failure. A call of an earlier version without images cost nothing. */
export function endingOfMade(context: CallContext): CallEnding {
  const images = madeBy(context.call, context.progress)
  return images === 0 ? FREE : { is: 'made', ...chargeOfMade(context, images) }
}

/**
 * The ending of a failed call. The upstream may bill it after `lost`, a cancellation or trouble of the gateway. Other
 * failures cost nothing without a reported charge.
 */
export function endingOfFailed(context: CallContext, error: unknown): CallEnding {
  if (error instanceof InputNotRead) return FREE
  if (!(error instanceof ProviderError)) return endingOfLost(context)
  const { kind, facts } = error
  if (kind !== 'lost' && !facts.spent) return endingOfMade(context)
  return { ...endingOfLost(context, facts.spent), ...(facts.isUnusable ? { isUnusable: true } : {}) }
}

/** The ending of a call without a result, which may be billed. */
export function endingOfLost(context: CallContext, spent: Spent = {}): CallEnding {
  const { call, progress } = context
  const missing = missingOf(call, progress).length
  return { is: 'lost', missing, ...chargeOf(context, { ...call.summary, ...spent }) }
}

/** The cost of a run's calls so far. A call without an ending is under way, and may be billed. */
export function spendingOf(progress: Progress, task: Task, config: Config): Spending {
  const endings = progress.calls.map((call) => {
    const context = { call, progress, task, config }
    const isDone = call.isOver || missingOf(call, progress).length === 0
    return call.ending ?? (isDone ? endingOfMade(context) : endingOfLost(context))
  })
  const missing = endings.reduce((sum, ending) => sum + (ending.missing ?? 0), 0)
  return {
    cost: endings.reduce<number | undefined>(
      (sum, ending) => (sum === undefined || ending.cost === undefined ? undefined : sum + ending.cost),
      0,
    ),
    estimated: endings.reduce((sum, ending) => sum + (ending.isEstimate ? (ending.cost ?? 0) : 0), 0),
    taken: Math.min(task.request.n, progress.images.filter(Boolean).length + missing),
  }
}

/** The cost of a call, and whether it is an estimate. */
type Charge = Pick<CallEnding, 'cost' | 'isEstimate'>

/** A call with its request, its model and its upstream's own prices. */
interface PricedCall {
  request: ImageRequest
  model: Model
  prices: Prices | undefined
}

/** The prices of a call; undefined for a free one. */
function pricedCall({ call, task, config }: CallContext): PricedCall | undefined {
  const { name, account } = call.upstream
  const upstream = config.upstreams.find((each) => each.name === name && each.account === account)
  if (upstream?.isFallback) return undefined
  const request = requestOf(task, call)
  const prices = upstream && pricesFor(request.model, upstream.prices)
  return { request, model: config.catalogue(request.model), prices }
}

/** By the operator's prices for the upstream, else the cost that the upstream reported, else the model's prices. */
function chargeOfMade(context: CallContext, images: number): Charge {
  const priced = pricedCall(context)
  if (!priced) return { cost: 0 }
  const { request, model, prices } = priced
  const { summary = {} } = context.call
  if (!prices && summary.cost !== undefined) return reported(summary.cost, context, priced)
  return reported(cost({ ...summary, images }, request, model, prices), context, priced)
}

/** A reported charge, capped at a multiple of the quote of all images of its call. */
function reported(charge: number | undefined, { call, task }: CallContext, priced: PricedCall): Charge {
  const { cost, isCapped } = believed(charge, quote(priced.request, priced.model, priced.prices))
  if (isCapped) log('charge-capped', { generation: task.id, upstream: call.upstream.name, charge, cost })
  return { cost: cost === undefined ? undefined : Math.round(cost), ...(isCapped ? { isEstimate: true } : {}) }
}

/** The same for a call without a result. Without a report, the charge is estimated at the quote of all its images. */
function chargeOf(context: CallContext, spent: Spent): Charge {
  const priced = pricedCall(context)
  if (!priced) return { cost: 0 }
  const { request, model, prices } = priced
  if (!prices && spent.cost !== undefined) return reported(spent.cost, context, priced)
  const ofTokens = spent.usage && costOfUsage(spent.usage, request, model, prices)
  if (ofTokens !== undefined) return reported(ofTokens, context, priced)
  return { cost: cost({ images: request.n }, request, model, prices), isEstimate: true }
}
