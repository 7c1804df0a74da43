import { type Adjustment, fit, type Fitted } from '../catalog/fit'
import type { ImageRequest } from '../image/request'
import { type Failure, type Result, failed, ok } from '../failures/errors'
import { type Candidate, candidates, capabilityOf, type RoutingSettings } from './candidates'

type FitSettings = Pick<RoutingSettings, 'upstreams' | 'catalogue' | 'canCrop'>

/** A request after adaptation to its best candidate, and every candidate for it. */
export interface RoutePlan extends Fitted {
  /** Highest priority first; empty for a model that no upstream serves. */
  candidates: readonly Candidate[]
}

/** A candidate, and the request as it receives it. */
export interface FittedCandidate extends Candidate {
  request: ImageRequest
  /** Differences between that request and the asked one. */
  adjustments: readonly Adjustment[]
  /** Images per call. */
  perCall: number
}

/**
 * Plans a request for the candidate with the fewest adaptations; the highest priority wins a tie. Without any, fails
 * with the refusal of the first candidate. `nowMs` is in ms since 1970.
 */
export function planRoute(asked: Fitted, settings: FitSettings, nowMs: number): Result<RoutePlan> {
  const { model } = asked.request
  const all = candidates(settings, model, nowMs)
  let best: Fitted | undefined
  let refusal: Failure | undefined
  for (const candidate of all) {
    const fitted = fitFor(candidate, asked, settings)
    if (!fitted.ok) refusal ??= fitted.failure
    else if (!best || fitted.value.adjustments.length < best.adjustments.length) best = fitted.value
  }
  if (best) return ok({ ...best, candidates: all })
  if (refusal) return failed(refusal)
  const fitted = fit(asked, settings.catalogue(model), settings)
  return fitted.ok ? ok({ ...fitted.value, candidates: all }) : fitted
}

/** The candidates that can serve a fitted request, with what each receives; fewest further adjustments first. */
export const fitCandidates = (
  all: readonly Candidate[],
  request: ImageRequest,
  settings: FitSettings,
): FittedCandidate[] =>
  all
    .flatMap((candidate) => {
      const fitted = fitFor(candidate, { request, adjustments: [] }, settings)
      const { maxImages = Infinity } = capabilityOf(candidate, request.model, settings.catalogue)
      // A fallback makes all images in one call: its calls cost nothing.
      const perCall = candidate.upstream.isFallback ? Infinity : maxImages
      return fitted.ok ? [{ ...candidate, ...fitted.value, perCall }] : []
    })
    .toSorted((a, b) => a.adjustments.length - b.adjustments.length)

const fitFor = (candidate: Candidate, asked: Fitted, settings: FitSettings): Result<Fitted> =>
  fit(asked, capabilityOf(candidate, asked.request.model, settings.catalogue), settings)
