import { successorOf } from '../catalog/built-in'
import type { Catalogue } from '../catalog/model'
import { isUnheardOf } from '../catalog/models'
import { PROVIDERS } from '../providers'
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

/** What names are resolved by. */
interface Names {
  upstreams: readonly Upstream[]
  aliases: ReadonlyMap<string, string>
}

/** No model's name is longer, in characters: what came of a name is told in a header. */
const MAX_NAME = 256

/**
 * The model that a name stands for; a vendor before it, as in `openai/gpt-image-2`, is but another spelling (protocols
 * §2.2). Undefined where nobody serves it.
 */
export const meantBy = (name: string, names: Names): Meant | undefined =>
  name.length > MAX_NAME ? undefined : (resolved(name, names) ?? resolved(withoutVendor(name), names))

const withoutVendor = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

/** Resolves a name by the settings' aliases, by who serves it, and last by who stands in for it. */
function resolved(name: string, { upstreams, aliases }: Names): Meant | undefined {
  const isServed = (model: string): boolean => candidates(upstreams, model).length > 0
  const alias = aliases.get(name) ?? name
  if (isServed(alias)) return { model: alias, retired: false }
  const successor = successorOf(alias)
  return successor && isServed(successor) ? { model: successor, retired: true } : undefined
}

/**
 * Whether a name is one of an image model, where requests for text models come as well: by the settings' aliases, by the
 * catalogue and what the settings add to it, or by the names that the providers' own image models have. A vendor may stand
 * before it, as in `openai/gpt-image-2`; nobody need serve it.
 */
export function isImageModel(
  name: string,
  { aliases, catalogue }: { aliases: ReadonlyMap<string, string>; catalogue: Catalogue },
): boolean {
  const meant = aliases.get(name) ?? name
  return [meant, withoutVendor(meant)].some(
    (model) => !isUnheardOf(catalogue(model)) || successorOf(model) !== undefined || isWellKnown(model),
  )
}

const isWellKnown = (model: string): boolean =>
  PROVIDERS.some(({ wellKnown }) => wellKnown?.models.some((pattern) => pattern === model || covers(pattern, model)))

/**
 * An exact name goes before a pattern, since only that can give the upstream's own name. Nor does a pattern promise a model
 * that was shut down: that is left to its successor.
 */
function servedAs({ models }: Upstream, model: string): string | undefined {
  const exact = models.find(({ ours }) => ours === model)
  if (exact) return exact.theirs ?? model
  if (successorOf(model) !== undefined) return undefined
  return models.some(({ ours }) => covers(ours, model)) ? model : undefined
}

/** Whether a name is one of those that a pattern ending in `*` stands for. */
const covers = (pattern: string, model: string): boolean =>
  pattern.endsWith('*') && model.startsWith(pattern.slice(0, -1))
