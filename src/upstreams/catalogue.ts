import { BUILT_IN, undated } from './built-in'
import type { Catalogue, Model } from '../catalog/model'
import type { ModelSetting } from './model-setting'
import type { Prices } from '../catalog/prices'

/** A model the catalogue has never heard of is passed on as it is asked for. */
const UNKNOWN: Model = { sizes: { kind: 'unknown' } }

/** Whether what the catalogue says of a model is that it has never heard of it. */
export const isUnheardOf = (model: Model): boolean => model === UNKNOWN

/** The built-in models, as the settings change them and add to them; a dated snapshot is as its model. */
export function catalogueOf(settings: Readonly<Record<string, ModelSetting>>): Catalogue {
  const models = new Map(BUILT_IN)
  const builtIn = (name: string): Model => BUILT_IN.get(name) ?? BUILT_IN.get(undated(name)) ?? UNKNOWN
  for (const [name, { like, ...changes }] of Object.entries(settings)) {
    const { shutdown, ...model } = builtIn(like ?? name)
    // Whoever is like a model need not end with it.
    models.set(name, { ...model, ...(shutdown && like === undefined ? { shutdown } : {}), ...changes })
  }
  return (name) => models.get(name) ?? models.get(undated(name)) ?? UNKNOWN
}

/** An upstream's own prices for a model; for a dated snapshot, those of its model where it has none. */
export const pricesFor = (name: string, prices: ReadonlyMap<string, Prices>): Prices | undefined =>
  prices.get(name) ?? prices.get(undated(name))
