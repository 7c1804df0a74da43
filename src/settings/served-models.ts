import type { Catalogue } from '../catalog/model'
import type { Upstream } from '../providers/provider'
import { CATALOGUED } from '../upstreams/built-in'
import { catalogueOf } from '../upstreams/catalogue'
import { configuredUpstreams, type UpstreamSetting } from '../upstreams/configured'
import type { ModelSetting } from '../upstreams/model-setting'
import { spellingsOf } from '../upstreams/names'
import type { AliasSetting } from './kinds'

/** The models of a gateway, their names and their upstreams. */
export interface ServedModels {
  upstreams: Upstream[]
  /** Additional names of models, and the model of each. */
  aliases: ReadonlyMap<string, string>
  /** The aliases that share no pictures. */
  freshAliases: ReadonlySet<string>
  /** The listed names of models by their spellings. */
  spellings: ReadonlyMap<string, string>
  /** The models of the catalogue and the settings; some are retired, and some have no upstream. */
  knownModels: readonly string[]
  /** The model of a request that names none. */
  defaultModel: string | undefined
  /** The text model for chats that ask an image model for words alone. */
  titleModel: string | undefined
  catalogue: Catalogue
}

/** The settings that decide on models. */
interface ModelSettings {
  UPSTREAMS?: UpstreamSetting[] | undefined
  MODEL_ALIASES: Record<string, AliasSetting>
  MODELS: Record<string, ModelSetting>
  DEFAULT_MODEL?: string | undefined
  TITLE_MODEL?: string | undefined
  DEMO_UPSTREAM: boolean
  DEMO_DELAY_MS: number
}

/** Reads the models of the settings. Throws ConfigError. */
export function servedModels(settings: ModelSettings, access: Parameters<typeof configuredUpstreams>[2]): ServedModels {
  const knownModels = [...CATALOGUED, ...Object.keys(settings.MODELS)]
  const named = Object.entries(settings.MODEL_ALIASES)
  const aliases = new Map(named.map(([name, { model }]) => [name, model]))
  const fallback = { isOn: settings.DEMO_UPSTREAM, models: knownModels, options: { delayMs: settings.DEMO_DELAY_MS } }
  const upstreams = configuredUpstreams(settings.UPSTREAMS, fallback, access)
  return {
    upstreams,
    aliases,
    freshAliases: new Set(named.flatMap(([name, { fresh }]) => (fresh ? name : []))),
    spellings: spellingsOf(Object.keys(settings.MODELS), aliases, upstreams),
    knownModels,
    defaultModel: settings.DEFAULT_MODEL,
    titleModel: settings.TITLE_MODEL,
    catalogue: catalogueOf(settings.MODELS),
  }
}
