import { pricesFor } from '../upstreams/catalogue'
import { addUsage, type Usage } from '../image/record'
import { newId } from '../runtime/ids'
import { type Order, type Payer, type Settlement, TEXT_OPERATION } from '../ledger/entry'
import type { Candidate } from '../upstreams/candidates'
import type { LostCall } from './attempts'
import { TEXT_LEASE_MS } from './lease'
import type { MeteredAnswer } from './meter'
import { costOfTokens, quoteOfTokens } from './tokens'
import type { TextPlan } from './plan'

/** The size of an order for a text; it is within every limit of size. */
export const NO_PIXELS = '0x0'

/** The order of a request, quoted at its dearest candidate. Nothing of its texts is stored. */
export function textOrder(plan: TextPlan, { key }: Payer, requestId: string): Order {
  const { model, candidates } = plan
  const quotes = candidates.map((candidate) => textQuote(plan, candidate))
  return {
    id: newId('run'),
    generation: newId('txt'),
    request: requestId,
    key,
    model,
    operation: TEXT_OPERATION,
    prompt: '',
    images: 0,
    size: NO_PIXELS,
    quote: quotes.every((each) => each !== undefined) ? Math.max(0, ...quotes) : undefined,
    holdMs: TEXT_LEASE_MS,
  }
}

const textQuote = ({ topLevel, outputLimits, model }: TextPlan, { upstream }: Candidate): number | undefined =>
  quoteOfTokens(topLevel, outputLimits, pricesFor(model, upstream.prices))

/** The part of a settlement about money. */
export type Bill = Pick<Settlement, 'failure' | 'cost' | 'estimated' | 'usage'>

/**
 * The bill of an answer that ended: its own usage counts, with an error too.
 * Without usage, the bill is the quote, or one token for each event if those are more. An error before any content is free.
 */
export function billOfAnswer(
  { usage, events, isError, isBegun }: MeteredAnswer,
  plan: TextPlan,
  candidate: Candidate,
): Bill {
  const failure = isError ? { failure: 'upstream_failed' as const } : {}
  if (usage) return { ...failure, ...billOfUsage(usage, plan, candidate) }
  if (isError && !isBegun) return { ...failure, cost: 0 }
  const prices = pricesFor(plan.model, candidate.upstream.prices)
  return { ...failure, ...estimateOf(quoteOfTokens(plan.topLevel, plan.outputLimits, prices, events)) }
}

/** The bill of an answer that broke off. The upstream may have made all of it. */
export const billOfBroken = (isCancelled: boolean, plan: TextPlan, candidate: Candidate): Bill => ({
  failure: isCancelled ? 'cancelled' : 'upstream_failed',
  ...estimateOf(textQuote(plan, candidate)),
})

/** A bill with that of the calls without an answer. */
export const withLosses = (bill: Bill, losses: readonly LostCall[], plan: TextPlan): Bill =>
  losses.reduce((sum, lost) => sumOf(sum, billOfLost(lost, plan)), bill)

/** The bill of a call without an answer: by the tokens that it reported, else its quote. */
function billOfLost({ candidate, spent }: LostCall, plan: TextPlan): Bill {
  const usage = spent?.usage
  return usage ? billOfUsage(usage, plan, candidate) : estimateOf(textQuote(plan, candidate))
}

function sumOf(one: Bill, other: Bill): Bill {
  const usage = one.usage && other.usage ? addUsage(one.usage, other.usage) : (one.usage ?? other.usage)
  return {
    ...one,
    cost: one.cost === undefined || other.cost === undefined ? undefined : one.cost + other.cost,
    estimated: (one.estimated ?? 0) + (other.estimated ?? 0),
    ...(usage ? { usage } : {}),
  }
}

function billOfUsage(usage: Usage, plan: TextPlan, { upstream }: Candidate): Bill {
  const prices = pricesFor(plan.model, upstream.prices)
  const { cost, isCapped } = costOfTokens(usage, plan.topLevel, plan.outputLimits, prices)
  return { ...(isCapped ? estimateOf(cost) : { cost }), usage }
}

const estimateOf = (cost: number | undefined): Bill => ({ cost, estimated: cost })
