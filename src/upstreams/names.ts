import { isUnheardOf } from './catalogue'
import { successorOf } from './retirement'
import { PROVIDERS } from '../providers'
import type { Upstream } from '../providers/provider'
import { candidates, covers, type RoutingSettings } from './candidates'

/** The model that a client's name stands for, and whether it stands in for one that was retired. */
export interface Meant {
  model: string
  retired: boolean
}

type NameSettings = Pick<RoutingSettings, 'upstreams' | 'catalogue' | 'aliases'>

/** The longest name of a model, in characters: a header repeats it. */
export const MAX_MODEL_NAME = 256

/**
 * The model that a name stands for at a moment, in ms since 1970; a vendor before it, as in `openai/gpt-image-2`, is but
 * another spelling (protocols §2.2). Undefined where nobody serves it.
 */
export const meantBy = (name: string, settings: NameSettings, nowMs: number): Meant | undefined =>
  name.length > MAX_MODEL_NAME
    ? undefined
    : (resolved(name, settings, nowMs) ?? resolved(withoutVendor(name), settings, nowMs))

/** Tells which model a name stands for at a moment, in ms since 1970; undefined where nobody serves it. */
export const modelMeant =
  (settings: NameSettings, nowMs: number) =>
  (name: string): string | undefined =>
    meantBy(name, settings, nowMs)?.model

const withoutVendor = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

/**
 * Resolves a name by the settings' aliases, by who serves it, and last by who stands in for it; whoever does may have been
 * shut down since.
 */
function resolved(name: string, { aliases, ...routing }: NameSettings, nowMs: number): Meant | undefined {
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
 * Whether a name is one of an image model, where requests for text models come as well: by the settings' aliases, by the
 * catalogue and what the settings add to it, by the names that the providers' own image models have, or because it is on the
 * list of an upstream that makes nothing else. A vendor may stand before it, as in `openai/gpt-image-2`; nobody need serve it.
 */
export function isImageModel(name: string, { aliases, catalogue, upstreams }: NameSettings): boolean {
  const meant = aliases.get(name) ?? name
  return [meant, withoutVendor(meant)].some(
    (model) =>
      !isUnheardOf(catalogue(model)) ||
      successorOf(model, catalogue, Infinity) !== undefined ||
      isWellKnown(model) ||
      upstreams.some((upstream) => isListedFor(model, upstream)),
  )
}

/** A pattern says nothing: it may be all that a relay has, text models as well. */
const isListedFor = (model: string, { provider, models }: Upstream): boolean =>
  !provider.pass && models.some(({ ours }) => ours === model && !ours.endsWith('*'))

const isWellKnown = (model: string): boolean =>
  PROVIDERS.some(({ wellKnown }) => wellKnown?.models.some((pattern) => pattern === model || covers(pattern, model)))
