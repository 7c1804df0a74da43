import { GEMINI_MODELS, GEMINI_RETIRED } from './gemini-models'
import type { ModelSetting } from './model-setting'
import { OPENAI_MODELS, OPENAI_RETIRED } from './openai-models'
import type { Prices } from './prices'
import type { Sizes } from './sizes'
import type { Tokens } from './tokens'
import { WORKERS_AI_MODELS } from './workers-ai-models'

/** What a model can do and costs. A list that is missing means that nothing is known, and its upstream decides. */
export interface Model {
  sizes: Sizes
  qualities?: readonly string[]
  backgrounds?: readonly string[]
  /** The first is what it makes where it does not make the usual one. */
  formats?: readonly string[]
  moderations?: readonly string[]
  /** The values of `input_fidelity`, on edits. */
  inputFidelities?: readonly string[]
  /** Which of the parameters that only some models know are taken. */
  extras?: readonly string[]
  /** How many pictures may come with a request. */
  maxInputs?: number
  /** Whether `output_compression` is taken. */
  compression?: boolean
  /** Whether a mask may come with an edit. */
  mask?: boolean
  /** Whether an overlay image (`markup`) may come with an edit. */
  markup?: boolean
  /** Whether `style` is taken. */
  style?: boolean
  /** What its maker asks for it. */
  prices?: Prices
  /** How many tokens a request is expected to use. */
  tokens?: Tokens
}

/** What is known of a model, by its name. */
export type Catalogue = (name: string) => Model

const BUILT_IN: ReadonlyMap<string, Model> = new Map(
  [OPENAI_MODELS, GEMINI_MODELS, WORKERS_AI_MODELS].flatMap((models) => Object.entries(models)),
)

/** Names that clients still send for models that were shut down in 2026, and who stands in for them. */
export const RETIRED: ReadonlyMap<string, string> = new Map(
  [OPENAI_RETIRED, GEMINI_RETIRED].flatMap((names) => Object.entries(names)),
)

/** Every live model that the catalogue knows of itself. */
export const CATALOGUED: readonly string[] = [...BUILT_IN.keys()].filter((name) => !RETIRED.has(name))

/** A model the catalogue has never heard of is passed on as it is asked for. */
const UNKNOWN: Model = { sizes: { kind: 'unknown' } }

/** The model of a dated snapshot: `gpt-image-2` for `gpt-image-2-2026-04-21`. */
const undated = (name: string): string => name.replace(/-\d{4}-\d{2}-\d{2}$/, '')

/** Whether the catalogue knows a model of itself. */
export const isBuiltIn = (name: string): boolean => BUILT_IN.has(name)

/** Who stands in for a model that was shut down, or for a snapshot of it; undefined for any other. */
export const successorOf = (name: string): string | undefined => RETIRED.get(name) ?? RETIRED.get(undated(name))

/** The built-in models, as the settings change them and add to them; a dated snapshot is as its model. */
export function catalogueOf(settings: Readonly<Record<string, ModelSetting>>): Catalogue {
  const models = new Map(BUILT_IN)
  const builtIn = (name: string): Model => BUILT_IN.get(name) ?? BUILT_IN.get(undated(name)) ?? UNKNOWN
  for (const [name, { like, ...changes }] of Object.entries(settings)) {
    models.set(name, { ...builtIn(like ?? name), ...changes })
  }
  return (name) => models.get(name) ?? models.get(undated(name)) ?? UNKNOWN
}
