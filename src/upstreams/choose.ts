import { successorOf } from '../catalog/built-in'
import type { Upstream } from '../providers/provider'

/** An account, and the model by the name that it knows it under. */
export interface Candidate {
  upstream: Upstream
  model: string
}

/** Who can serve a model, in the order in which they are tried. */
export function candidates(upstreams: readonly Upstream[], model: string): Candidate[] {
  const able = upstreams
    .flatMap((upstream) => {
      const theirs = servedAs(upstream, model)
      return theirs === undefined ? [] : [{ upstream, model: theirs }]
    })
    .toSorted((a, b) => a.upstream.priority - b.upstream.priority)
  const real = able.filter(({ upstream }) => !upstream.standIn)
  return real.length > 0 ? real : able
}

/** The model that a client's name stands for, and whether it stands in for one that was retired. */
export interface Meant {
  model: string
  retired: boolean
}

/** Resolves a name by the settings' aliases, by who serves it, and last by who stands in for it; undefined if nobody. */
export function meantBy(
  name: string,
  { upstreams, aliases }: { upstreams: readonly Upstream[]; aliases: ReadonlyMap<string, string> },
): Meant | undefined {
  const isServed = (model: string): boolean => candidates(upstreams, model).length > 0
  const alias = aliases.get(name) ?? name
  if (isServed(alias)) return { model: alias, retired: false }
  const successor = successorOf(alias)
  return successor && isServed(successor) ? { model: successor, retired: true } : undefined
}

/**
 * An exact name goes before a pattern, since only that can give the upstream's own name. Nor does a pattern promise a model
 * that was shut down: that is left to its successor.
 */
function servedAs({ models }: Upstream, model: string): string | undefined {
  const exact = models.find(({ ours }) => ours === model)
  if (exact) return exact.theirs ?? model
  if (successorOf(model) !== undefined) return undefined
  return models.some(({ ours }) => ours.endsWith('*') && model.startsWith(ours.slice(0, -1))) ? model : undefined
}
