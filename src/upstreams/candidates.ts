import type { Catalogue, Model } from '../catalog/model'
import { successorOf } from './retirement'
import type { Upstream } from '../providers/provider'

/** An account that serves a model, and its own name for that model. */
export interface Candidate {
  upstream: Upstream
  model: string
}

/** The settings that choose the upstreams of a request. */
export interface RoutingSettings {
  upstreams: readonly Upstream[]
  catalogue: Catalogue
  /** Models by their aliases. */
  aliases: ReadonlyMap<string, string>
  /** Whether images can be cropped to a size that their model does not make. */
  canCrop: boolean
}

/** The candidates for a model at a moment in ms since 1970, highest priority first. */
export function candidates(
  { upstreams, catalogue }: Pick<RoutingSettings, 'upstreams' | 'catalogue'>,
  model: string,
  nowMs: number,
): Candidate[] {
  const isRetired = successorOf(model, catalogue, nowMs) !== undefined
  const serving = upstreams
    .flatMap((upstream) => {
      const theirs = servedAs(upstream, model, isRetired)
      return theirs === undefined ? [] : [{ upstream, model: theirs }]
    })
    .toSorted((a, b) => a.upstream.priority - b.upstream.priority)
  const real = serving.filter(({ upstream }) => !upstream.isFallback)
  return real.length > 0 ? real : serving
}

/** The part of a model's capability that the API of an upstream offers. */
export function capabilityOf(
  { upstream: { provider, baseUrl }, model: theirs }: Candidate,
  model: string,
  catalogue: Catalogue,
): Model {
  const known = catalogue(model)
  return provider.capability?.(known, theirs, baseUrl) ?? known
}

/**
 * The upstream's own name of a model; undefined for a model that it does not serve. An exact rule goes before a
 * pattern, which has no own name. Patterns and fallbacks leave a retired model to its successor.
 */
function servedAs({ models, isFallback }: Upstream, model: string, isRetired: boolean): string | undefined {
  const exact = models.find(({ ours }) => ours === model)
  if (isRetired && (isFallback || !exact)) return undefined
  if (exact) return exact.theirs ?? model
  return models.some(({ ours }) => patternCovers(ours, model)) ? model : undefined
}

/** Whether a pattern ending in `*` covers a name. */
export const patternCovers = (pattern: string, model: string): boolean =>
  pattern.endsWith('*') && model.startsWith(pattern.slice(0, -1)) && !LEADS_ELSEWHERE.test(model)

/** Some providers put the name of the model into a path. A name with these characters could address another path. */
const LEADS_ELSEWHERE = /[\s\p{Cc}%?#\\]|(?:^|\/)\.{0,2}(?:\/|$)/u
