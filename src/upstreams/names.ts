import { isUnknownModel } from './catalogue'
import { BUILT_IN, isCommon, RETIRED, withoutDate } from './built-in'
import { successorOf } from './retirement'
import { PROVIDERS } from '../providers'
import type { Upstream } from '../providers/provider'
import { candidates, patternCovers, type RoutingSettings } from './candidates'

/** The model behind a client's name for it, and whether that model replaces a retired one. */
export interface ResolvedModel {
  model: string
  retired: boolean
}

type NameSettings = Pick<RoutingSettings, 'upstreams' | 'catalogue' | 'aliases'> & { spellings: Spellings }

/** The longest name of a model, in characters: a header repeats it. */
export const MAX_MODEL_NAME = 256

/** Listed names by themselves and in small letters. */
type Spellings = ReadonlyMap<string, string>

/** The spellings of the names that the settings and the catalogue list; a name in the settings goes first. */
export function spellingsOf(
  inSettings: readonly string[],
  aliases: ReadonlyMap<string, string>,
  upstreams: readonly Upstream[],
): Spellings {
  const ofUpstreams = upstreams.flatMap(({ models, prices }) => [...models.map(({ ours }) => ours), ...prices.keys()])
  const exact = [...inSettings, ...aliases.keys(), ...ofUpstreams].filter((name) => !name.endsWith('*'))
  const listed = [...exact, ...BUILT_IN.keys(), ...RETIRED.keys()]
  const spellings = new Map(listed.map((name) => [name, name]))
  for (const name of listed) if (!spellings.has(name.toLowerCase())) spellings.set(name.toLowerCase(), name)
  return spellings
}

/**
 * Resolves a name at a moment in ms since 1970; undefined for a model that no upstream serves. A vendor prefix, as in
 * `openai/gpt-image-2` (protocols §2.2), and capitals are another spelling of a listed name.
 */
export function resolveModel(name: string, settings: NameSettings, nowMs: number): ResolvedModel | undefined {
  if (name.length > MAX_MODEL_NAME) return undefined
  for (const meant of meanings(name, settings)) {
    const model = resolved(meant, settings, nowMs)
    if (model) return model
  }
  return undefined
}

/** Resolves names to models at a moment in ms since 1970; undefined for a model that no upstream serves. */
export const modelResolver =
  (settings: NameSettings, nowMs: number) =>
  (name: string): string | undefined =>
    resolveModel(name, settings, nowMs)?.model

/**
 * The models that a name may mean, the likeliest first. Some upstreams list their models with a vendor, so only a model
 * of several upstreams goes before the whole name.
 */
function meanings(name: string, { aliases, spellings }: NameSettings): string[] {
  const [bare, listed] = [withoutVendor(name), listedAs(name, spellings)]
  const common = listed === undefined ? listedAs(bare, spellings) : undefined
  const names = [listed, common !== undefined && isCommon(common) ? common : undefined, name, common ?? bare]
  const given = names.filter((each) => each !== undefined)
  return [...new Set(given.map((each) => aliases.get(each) ?? each))]
}

/** Whether a name is an alias that shares no pictures. */
export const isFreshAlias = (
  name: string,
  { freshAliases, spellings }: { freshAliases: ReadonlySet<string>; spellings: Spellings },
): boolean => [name, withoutVendor(name)].some((each) => freshAliases.has(listedAs(each, spellings) ?? each))

const withoutVendor = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

/** The listed name behind a spelling, with its date; undefined for none. */
function listedAs(name: string, spellings: Spellings): string | undefined {
  const found = spellings.get(name) ?? spellings.get(name.toLowerCase())
  if (found !== undefined) return found
  const undated = withoutDate(name)
  const model = undated === name ? undefined : listedAs(undated, spellings)
  return model === undefined ? undefined : model + name.slice(undated.length)
}

/**
 * Resolves a model by the upstreams, then by its successors. A successor may be retired as well.
 */
function resolved(meant: string, routing: NameSettings, nowMs: number): ResolvedModel | undefined {
  const tried = new Set<string>()
  let model: string | undefined = meant
  while (model !== undefined && !tried.has(model)) {
    if (candidates(routing, model, nowMs).length > 0) return { model, retired: model !== meant }
    tried.add(model)
    model = successorOf(model, routing.catalogue, nowMs)
  }
  return undefined
}

/**
 * Whether a name is that of an image model, on a route for text models too. The aliases, the catalogue, the providers'
 * well-known models and upstreams without text models decide. A vendor prefix and capitals are ignored, and no upstream
 * need serve the model.
 */
export function isImageModel(name: string, settings: NameSettings): boolean {
  const { catalogue, upstreams } = settings
  const [likeliest = name] = meanings(name, settings)
  return [likeliest, ...meanings(withoutVendor(likeliest), settings)].some(
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
