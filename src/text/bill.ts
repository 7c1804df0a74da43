import { pricesFor } from '../upstreams/catalogue'
import { RESERVATION_GRACE_MS } from '../generation/payment'
import type { Failure } from '../runtime/errors'
import { newId } from '../runtime/ids'
import { type Order, type Payer, type Settlement, TEXT_OPERATION } from '../ledger/entry'
import type { Candidate } from '../upstreams/candidates'
import type { Metered } from './meter'
import { costOf, quoteOf } from './tokens'
import type { Wanted } from './wanted'

/** No limit of a size is about a text. */
export const NO_PIXELS = '0x0'

/** What a request may come to, at the price of the dearest upstream that may serve it; nothing of what it says is kept. */
export function orderOf(wanted: Wanted, { key }: Payer, requestId: string): Order {
  const { model, candidates } = wanted
  const quotes = candidates.map((candidate) => quoted(wanted, candidate))
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
    holdMs: candidates.reduce((sum, { upstream }) => sum + upstream.timeoutMs, RESERVATION_GRACE_MS),
  }
}

const quoted = ({ said, limitedBy, model }: Wanted, { upstream }: Candidate): number | undefined =>
  quoteOf(said, limitedBy, pricesFor(model, upstream.prices))

/** What an answer comes to. */
export type Bill = Pick<Settlement, 'failure' | 'cost' | 'usage'>

/**
 * An answer that ended: it costs what it says of itself, also where it tells of an error; or else what it was expected to
 * at most, unless it came in more pieces than that.
 */
export function billOf({ usage, pieces, isError }: Metered, wanted: Wanted, candidate: Candidate): Bill {
  const prices = pricesFor(wanted.model, candidate.upstream.prices)
  if (isError) return { failure: 'upstream_failed', cost: usage ? costOf(usage, prices) : 0, usage }
  return { cost: usage ? costOf(usage, prices) : quoteOf(wanted.said, wanted.limitedBy, prices, pieces), usage }
}

/** None that began: where its client did not wait for it, its upstream goes on all the same. */
export const unbegun = ({ code }: Failure, wanted: Wanted, candidate: Candidate): Bill =>
  code === 'cancelled' ? brokenOff(true, wanted, candidate) : { failure: code, cost: 0 }

/** One that broke off: by its upstream, or since its client had gone, which does not make it free. */
export const brokenOff = (isCancelled: boolean, wanted: Wanted, candidate: Candidate): Bill =>
  isCancelled ? { failure: 'cancelled', cost: quoted(wanted, candidate) } : { failure: 'upstream_failed', cost: 0 }
