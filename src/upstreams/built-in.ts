import { PROVIDERS } from '../providers'
import { GEMINI_MODELS, GEMINI_RETIRED } from '../catalog/gemini-models'
import { GRSAI_NAMES } from '../catalog/grsai-models'
import type { Model } from '../catalog/model'
import { OPENAI_MODELS, OPENAI_RETIRED } from '../catalog/openai-models'
import { WORKERS_AI_MODELS } from '../catalog/workers-ai-models'

/** The built-in models: those of makers with several APIs, and those of one provider. */
export const BUILT_IN: ReadonlyMap<string, Model> = new Map(
  [OPENAI_MODELS, GEMINI_MODELS, WORKERS_AI_MODELS, ...PROVIDERS.map(({ models = {} }) => models)].flatMap((models) =>
    Object.entries(models),
  ),
)

/**
 * Successors by the names of retired models: models that ended before this catalogue, and names of a single relay.
 * Models with a known end have `shutdown` instead.
 */
export const RETIRED: ReadonlyMap<string, string> = new Map(
  [OPENAI_RETIRED, GEMINI_RETIRED, GRSAI_NAMES].flatMap((names) => Object.entries(names)),
)

const COMMON_MODELS = new Set([OPENAI_MODELS, GEMINI_MODELS, Object.fromEntries(RETIRED)].flatMap(Object.keys))

/** Whether several upstreams serve a built-in model, or its snapshot, under its name. */
export const isCommon = (name: string): boolean => COMMON_MODELS.has(withoutDate(name))

/** Every live built-in model. */
export const CATALOGUED: readonly string[] = [...BUILT_IN.keys()].filter((name) => !RETIRED.has(name))

/** The date of a dated snapshot; undefined without one. */
export const dateIn = (name: string): string | undefined => /-(\d{4}-\d{2}-\d{2})$/.exec(name)?.[1]

/** The model of a dated snapshot: `gpt-image-2` for `gpt-image-2-2026-04-21`. */
export const withoutDate = (name: string): string => name.replace(/-\d{4}-\d{2}-\d{2}$/, '')

/** Whether a model is built in. */
export const isBuiltIn = (name: string): boolean => BUILT_IN.has(name)
