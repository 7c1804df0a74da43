import { BUILT_IN, withoutDate } from './built-in'
import type { Catalogue, Model } from '../catalog/model'
import type { ModelSetting } from './model-setting'
import type { Prices } from '../catalog/prices'

/** An unknown model is passed on without adaptation. */
const UNKNOWN: Model = { sizes: { kind: 'unknown' } }

/** Whether the catalogue has no entry for a model. */
export const isUnknownModel = (model: Model): boolean => model === UNKNOWN

/** The built-in models with the changes and additions of the settings. A dated snapshot is like its model. */
export function catalogueOf(settings: Readonly<Record<string, ModelSetting>>): Catalogue {
  const models = new Map(BUILT_IN)
  const builtIn = (name: string): Model => BUILT_IN.get(name) ?? BUILT_IN.get(withoutDate(name)) ?? UNKNOWN
  for (const [name, { like, ...changes }] of Object.entries(settings)) {
    const { shutdown, ...model } = builtIn(like ?? name)
    // A model that is like another does not share its end.
    models.set(name, { ...model, ...(shutdown && like === undefined ? { shutdown } : {}), ...changes })
  }
  return (name) => models.get(name) ?? models.get(withoutDate(name)) ?? UNKNOWN
}

/** An upstream's own prices of a model; a dated snapshot falls back to the prices of its model. */
export const pricesFor = (name: string, prices: ReadonlyMap<string, Prices>): Prices | undefined =>
  prices.get(name) ?? prices.get(withoutDate(name))
