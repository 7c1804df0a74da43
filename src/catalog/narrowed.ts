import type { Model } from './model'
import { pixelsOf, type Sizes } from './sizes'

/** The abilities that a model and an API have in common. If only one of them knows a list, that list holds. */
export const narrowed = (model: Model, api: Partial<Model>): Model => ({
  ...model,
  sizes: narrowedSizes(model.sizes, api.sizes),
  ...inBoth('qualities', model, api),
  ...inBoth('backgrounds', model, api),
  ...inBoth('formats', model, api),
  ...inBoth('moderations', model, api),
  ...inBoth('inputFidelities', model, api),
  ...inBoth('extras', model, api),
  ...least('maxInputs', model, api),
  ...least('maxImages', model, api),
  ...ifBoth('compression', model, api),
  ...ifBoth('mask', model, api),
  ...ifBoth('markup', model, api),
  ...narrowedStyles(model, api),
})

/** The API decides the form of sizes. Of a model's list, the sizes that the API can express remain. */
function narrowedSizes(own: Sizes, api: Sizes = { kind: 'unknown' }): Sizes {
  if (api.kind === 'unknown') return own
  if (own.kind !== 'listed') return api
  const sizes = own.sizes.filter((size) => canBeAsked(size, api))
  return sizes.length > 0 ? { kind: 'listed', sizes } : api
}

function canBeAsked(size: string, api: Exclude<Sizes, { kind: 'unknown' }>): boolean {
  const { width = 0, height = 0 } = pixelsOf(size) ?? {}
  switch (api.kind) {
    case 'range':
      return [width, height].every((edge) => edge >= api.min && edge <= api.max)
    case 'listed':
      return api.sizes.includes(size)
    case 'shaped':
      return api.scales.some((scale) =>
        api.shapes.some((shape) => shape.width * scale === width && shape.height * scale === height),
      )
    case 'free':
      return true
  }
}

type List = 'qualities' | 'backgrounds' | 'formats' | 'moderations' | 'inputFidelities' | 'extras'

function inBoth(name: List, { [name]: own }: Model, { [name]: taken }: Partial<Model>): Partial<Model> {
  const both = own && taken ? own.filter((value) => taken.includes(value)) : (own ?? taken)
  return both ? { [name]: both } : {}
}

function least(
  name: 'maxInputs' | 'maxImages',
  { [name]: own }: Model,
  { [name]: taken }: Partial<Model>,
): Partial<Model> {
  const known = [own, taken].filter((most) => most !== undefined)
  return known.length > 0 ? { [name]: Math.min(...known) } : {}
}

type Ability = 'compression' | 'mask' | 'markup'

function ifBoth(name: Ability, { [name]: own }: Model, { [name]: taken }: Partial<Model>): Partial<Model> {
  const can = own === false || taken === false ? false : (own ?? taken)
  return can === undefined ? {} : { [name]: can }
}

function narrowedStyles({ style: own }: Model, { style: taken }: Partial<Model>): Partial<Model> {
  if (own === undefined || taken === undefined) {
    const style = own ?? taken
    return style === undefined ? {} : { style }
  }
  if (typeof own === 'boolean') return { style: own && taken }
  if (typeof taken === 'boolean') return { style: taken && own }
  return { style: own.filter((word) => taken.includes(word)) }
}
