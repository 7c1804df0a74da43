import { type Adjustment, fit, type Fitted } from '../catalog/fit'
import type { ImageRequestOf, InputImage } from '../image/request'
import { type Failure, type Result, failed, ok } from '../failures/errors'
import { type Candidate, candidates, capabilityOf, type RoutingSettings } from './candidates'

type FitSettings = Pick<RoutingSettings, 'upstreams' | 'catalogue' | 'canCrop'>

/** A request after adaptation to its best candidate, and every candidate for it. */
export interface RoutePlan<Input = InputImage> extends Fitted<Input> {
  /** Highest priority first; empty for a model that no upstream serves. */
  candidates: readonly Candidate[]
}

/** A candidate, and the request as it receives it. */
export interface FittedCandidate<Input = InputImage> extends Candidate {
  request: ImageRequestOf<Input>
  /** Differences between that request and the asked one. */
  adjustments: readonly Adjustment[]
  /** Images per call. */
  perCall: number
}

/**
 * Plans a request for the candidate with the fewest adaptations; the highest priority wins a tie. Without any, fails
 * with the refusal of the first candidate. `nowMs` is in ms since 1970.
 */
export function planRoute<Input>(asked: Fitted<Input>, settings: FitSettings, nowMs: number): Result<RoutePlan<Input>> {
  const { model } = asked.request
  const all = candidates(settings, model, nowMs)
  let best: Fitted<Input> | undefined
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
export const fitCandidates = <Input>(
  all: readonly Candidate[],
  request: ImageRequestOf<Input>,
  settings: FitSettings,
): FittedCandidate<Input>[] =>
  all
    .flatMap((candidate) => {
      const fitted = fitFor(candidate, { request, adjustments: [] }, settings)
      const { maxImages = Infinity } = capabilityOf(candidate, request.model, settings.catalogue)
      // A fallback makes all images in one call: its calls cost nothing.
      const perCall = candidate.upstream.isFallback ? Infinity : maxImages
      return fitted.ok ? [{ ...candidate, ...fitted.value, perCall }] : []
    })
    .toSorted((a, b) => a.adjustments.length - b.adjustments.length)

const fitFor = <Input>(candidate: Candidate, asked: Fitted<Input>, settings: FitSettings): Result<Fitted<Input>> =>
  fit(asked, capabilityOf(candidate, asked.request.model, settings.catalogue), settings)
