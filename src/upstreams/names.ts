import { isUnknownModel } from './catalogue'
import { successorOf } from './retirement'
import { PROVIDERS } from '../providers'
import type { Upstream } from '../providers/provider'
import { candidates, patternCovers, type RoutingSettings } from './candidates'

/** The model behind a client's name for it, and whether that model replaces a retired one. */
export interface ResolvedModel {
  model: string
  retired: boolean
}

type NameSettings = Pick<RoutingSettings, 'upstreams' | 'catalogue' | 'aliases'>

/** The longest name of a model, in characters: a header repeats it. */
export const MAX_MODEL_NAME = 256

/**
 * Resolves a name at a moment in ms since 1970; undefined for a model that no upstream serves. A vendor prefix, as in
 * `openai/gpt-image-2`, is another spelling (protocols §2.2).
 */
export const resolveModel = (name: string, settings: NameSettings, nowMs: number): ResolvedModel | undefined =>
  name.length > MAX_MODEL_NAME
    ? undefined
    : (resolved(name, settings, nowMs) ?? resolved(withoutVendor(name), settings, nowMs))

/** Resolves names to models at a moment in ms since 1970; undefined for a model that no upstream serves. */
export const modelResolver =
  (settings: NameSettings, nowMs: number) =>
  (name: string): string | undefined =>
    resolveModel(name, settings, nowMs)?.model

const withoutVendor = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

/**
 * Resolves a name by the aliases, then by the upstreams, then by its successors. A successor may be retired as well.
 */
function resolved(name: string, { aliases, ...routing }: NameSettings, nowMs: number): ResolvedModel | undefined {
  const alias = aliases.get(name) ?? name
  const tried = new Set<string>()
  let model: string | undefined = alias
  while (model !== undefined && !tried.has(model)) {
    if (candidates(routing, model, nowMs).length > 0) return { model, retired: model !== alias }
    tried.add(model)
    model = successorOf(model, routing.catalogue, nowMs)
  }
  return undefined
}

/**
 * Whether a name is that of an image model, on a route for text models too. The aliases, the catalogue, the providers'
 * well-known models and upstreams without text models decide. A vendor prefix is ignored, and no upstream need serve
 * the model.
 */
export function isImageModel(name: string, { aliases, catalogue, upstreams }: NameSettings): boolean {
  const meant = aliases.get(name) ?? name
  return [meant, withoutVendor(meant)].some(
    (model) =>
      !isUnknownModel(catalogue(model)) ||
      successorOf(model, catalogue, Infinity) !== undefined ||
      isWellKnown(model) ||
      upstreams.some((upstream) => isListedFor(model, upstream)),
  )
}

/** A pattern decides nothing: it may cover all models of a relay, text models too. */
const isListedFor = (model: string, { provider, models }: Upstream): boolean =>
  !provider.pass && models.some(({ ours }) => ours === model && !ours.endsWith('*'))

const isWellKnown = (model: string): boolean =>
  PROVIDERS.some(({ wellKnown }) =>
    wellKnown?.models.some((pattern) => pattern === model || patternCovers(pattern, model)),
  )
