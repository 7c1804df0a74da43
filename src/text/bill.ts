import { pricesFor } from '../upstreams/catalogue'
import type { Failure } from '../failures/errors'
import { newId } from '../runtime/ids'
import { type Order, type Payer, type Settlement, TEXT_OPERATION } from '../ledger/entry'
import type { Candidate } from '../upstreams/candidates'
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
 * Without usage, the bill is the quote, or one token for each event if those are more.
 */
export function billOfAnswer({ usage, events, isError }: MeteredAnswer, plan: TextPlan, candidate: Candidate): Bill {
  const prices = pricesFor(plan.model, candidate.upstream.prices)
  const failure = isError ? { failure: 'upstream_failed' as const } : {}
  if (usage) {
    const { cost, isCapped } = costOfTokens(usage, plan.topLevel, plan.outputLimits, prices)
    return { ...failure, ...(isCapped ? estimateOf(cost) : { cost }), usage }
  }
  if (isError) return { ...failure, cost: 0 }
  return estimateOf(quoteOfTokens(plan.topLevel, plan.outputLimits, prices, events))
}

/** The bill of a request without an answer. After a cancellation by the client, the upstream may still bill it. */
export const billWithoutAnswer = ({ code }: Failure, plan: TextPlan, candidate: Candidate): Bill =>
  code === 'cancelled' ? billOfBroken(true, plan, candidate) : { failure: code, cost: 0 }

/** The bill of an answer that broke off: free if the upstream failed, the quote if the client went away. */
export const billOfBroken = (isCancelled: boolean, plan: TextPlan, candidate: Candidate): Bill =>
  isCancelled
    ? { failure: 'cancelled', ...estimateOf(textQuote(plan, candidate)) }
    : { failure: 'upstream_failed', cost: 0 }

const estimateOf = (cost: number | undefined): Bill => ({ cost, estimated: cost })
