import { expect, test } from 'vitest'
import type { Model } from '../../src/catalog/model'
import { narrowed } from '../../src/catalog/narrowed'
import { shaped, shapesOf } from '../../src/catalog/ratios'
import type { Sizes } from '../../src/catalog/sizes'
import { PROVIDERS } from '../../src/providers'

const RANGE: Sizes = { kind: 'range', min: 256, max: 1024, auto: '1024x768' }
const REACH: Model = {
  sizes: RANGE,
  qualities: ['auto'],
  backgrounds: ['opaque', 'auto'],
  formats: ['png', 'jpeg'],
  moderations: ['auto', 'low'],
  inputFidelities: [],
  extras: ['seed', 'steps'],
  maxInputs: 4,
  maxImages: 2,
  compression: false,
  mask: true,
  markup: false,
  style: false,
}

test('an unknown model has the abilities of its API', () => {
  expect(narrowed({ sizes: { kind: 'unknown' } }, REACH)).toEqual(REACH)
})

test('a model loses what its API lacks and keeps its price', () => {
  const prices = { per: 'image', each: 0.04 } as const
  const model = {
    sizes: RANGE,
    formats: ['jpeg', 'webp'],
    extras: ['seed', 'svg'],
    maxInputs: 16,
    maxImages: 10,
    prices,
  }
  expect(narrowed({ ...model, mask: false, compression: true }, REACH)).toEqual({
    ...REACH,
    formats: ['jpeg'],
    extras: ['seed'],
    mask: false,
    prices,
  })
})

test.each<[Model['style'], Model['style'], Model['style']]>([
  [undefined, undefined, undefined],
  [undefined, ['anime'], ['anime']],
  [true, undefined, true],
  [true, ['anime'], ['anime']],
  [['anime', 'comic'], true, ['anime', 'comic']],
  [['anime', 'comic'], ['anime', 'pixel'], ['anime']],
  [['anime'], false, false],
  [false, ['anime'], false],
])('of the styles %j of a model, an API with %j has %j', (own, taken, expected) => {
  const styled = (style: Model['style']): Pick<Model, 'style'> => (style === undefined ? {} : { style })
  expect(narrowed({ sizes: RANGE, ...styled(own) }, styled(taken)).style).toEqual(expected)
})

test.each<[string, string[], Sizes, Sizes]>([
  ['edges', ['512x512', '2048x2048'], RANGE, { kind: 'listed', sizes: ['512x512'] }],
  [
    'edges, the shortest and the longest of them',
    ['256x256', '255x256', '256x255', '1024x1024', '1025x1024', '1024x1025'],
    RANGE,
    { kind: 'listed', sizes: ['256x256', '1024x1024'] },
  ],
  ['ratios', ['1024x1024', '640x480'], shaped(shapesOf(['1:1'])), { kind: 'listed', sizes: ['1024x1024'] }],
  ['a list', ['512x512'], { kind: 'listed', sizes: ['512x512', '1024x1024'] }, { kind: 'listed', sizes: ['512x512'] }],
  ['edges that no size fits', ['2048x2048'], RANGE, RANGE],
])('an API with %s makes those sizes of the settings that it can', (_, sizes, reached, expected) => {
  expect(narrowed({ sizes: { kind: 'listed', sizes } }, { ...REACH, sizes: reached }).sizes).toEqual(expected)
})

test.each(
  PROVIDERS.flatMap((provider) =>
    Object.entries(provider.models ?? {}).map(([name, model]) => [name, provider.id, model, provider] as const),
  ),
)('%s is available with all of its abilities at %s', (name, _, model, provider) => {
  expect(provider.capability?.(model, name) ?? model).toEqual(model)
})
