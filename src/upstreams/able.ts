import { type Adjustment, fit, type Fitted } from '../catalog/fit'
import { type Failure, type Result, failed, ok } from '../runtime/errors'
import type { ImageRequest } from '../image/request'
import { type Candidate, candidates, capabilityOf, type Market } from './candidates'

/** What decides who can serve what. */
export interface Offer extends Market {
  /** Whether a picture can be cropped to a size that its model does not make. */
  canCrop: boolean
}

/** Who can serve a request, and how it is sent there. */
export interface Able extends Candidate {
  request: ImageRequest
  /** In what that differs from what was asked for. */
  adjustments: readonly Adjustment[]
  /** How many pictures one call makes. */
  perCall: number
}

/**
 * Fits a request to whoever can serve it with the fewest changes, those of the highest priority first; refuses it in the
 * words of the first where nobody can. The moment is in ms since 1970.
 */
export function fitToBest(asked: Fitted, offer: Offer, nowMs: number): Result<Fitted> {
  let best: Fitted | undefined
  let refusal: Failure | undefined
  for (const candidate of candidates(offer, asked.request.model, nowMs)) {
    const fitted = fitFor(candidate, asked, offer)
    if (!fitted.ok) refusal ??= fitted.failure
    else if (!best || fitted.value.adjustments.length < best.adjustments.length) best = fitted.value
  }
  if (best) return ok(best)
  return refusal ? failed(refusal) : fit(asked, offer.catalogue(asked.request.model), offer)
}

/** Who can serve a request that was fitted at a moment, in ms since 1970; those who need no further change first. */
export function ableToServe(request: ImageRequest, offer: Offer, nowMs: number): Able[] {
  return candidates(offer, request.model, nowMs)
    .flatMap((candidate) => {
      const fitted = fitFor(candidate, { request, adjustments: [] }, offer)
      const { maxImages = Infinity } = capabilityOf(candidate, request.model, offer.catalogue)
      // Whoever stands in need not be asked for one picture after the other.
      const perCall = candidate.upstream.isFallback ? Infinity : maxImages
      return fitted.ok ? [{ ...candidate, ...fitted.value, perCall }] : []
    })
    .toSorted((a, b) => a.adjustments.length - b.adjustments.length)
}

const fitFor = (candidate: Candidate, asked: Fitted, offer: Offer): Result<Fitted> =>
  fit(asked, capabilityOf(candidate, asked.request.model, offer.catalogue), offer)
