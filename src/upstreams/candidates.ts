import type { Catalogue, Model } from '../catalog/model'
import { successorOf } from './retirement'
import type { Upstream } from '../providers/provider'

/** An account, and the model by the name that it knows it under. */
export interface Candidate {
  upstream: Upstream
  model: string
}

/** Who serves what. */
export interface Market {
  upstreams: readonly Upstream[]
  catalogue: Catalogue
}

/** Who can serve a model at a moment, in ms since 1970: those of the highest priority first. */
export function candidates({ upstreams, catalogue }: Market, model: string, nowMs: number): Candidate[] {
  const isRetired = successorOf(model, catalogue, nowMs) !== undefined
  const able = upstreams
    .flatMap((upstream) => {
      const theirs = servedAs(upstream, model, isRetired)
      return theirs === undefined ? [] : [{ upstream, model: theirs }]
    })
    .toSorted((a, b) => a.upstream.priority - b.upstream.priority)
  const real = able.filter(({ upstream }) => !upstream.isFallback)
  return real.length > 0 ? real : able
}

/** Of what a model can do, what it can be asked for through an upstream's API. */
export function capabilityOf(
  { upstream: { provider, baseUrl }, model: theirs }: Candidate,
  model: string,
  catalogue: Catalogue,
): Model {
  const known = catalogue(model)
  return provider.capability?.(known, theirs, baseUrl) ?? known
}

/**
 * An exact name goes before a pattern, since only that can give the upstream's own name. Nor does a pattern promise a model
 * that was shut down, or a stand-in have it: that is left to its successor.
 */
function servedAs({ models, isFallback }: Upstream, model: string, isRetired: boolean): string | undefined {
  const exact = models.find(({ ours }) => ours === model)
  if (isRetired && (isFallback || !exact)) return undefined
  if (exact) return exact.theirs ?? model
  return models.some(({ ours }) => covers(ours, model)) ? model : undefined
}

/** Whether a name is one of those that a pattern ending in `*` stands for. */
export const covers = (pattern: string, model: string): boolean =>
  pattern.endsWith('*') && model.startsWith(pattern.slice(0, -1)) && !LEADS_ELSEWHERE.test(model)

/** With some providers a model's name is part of a path, in which whoever makes one up could name another. */
const LEADS_ELSEWHERE = /[\s\p{Cc}%?#\\]|(?:^|\/)\.{0,2}(?:\/|$)/u
