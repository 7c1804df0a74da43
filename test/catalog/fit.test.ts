import { describe, expect, test } from 'vitest'
import { fit } from '../../src/catalog/fit'
import { catalogueOf } from '../../src/catalog/models'
import type { ImageRequest } from '../../src/image/request'
import { asking, catalogue, PICTURE } from './requests'

const fitted = (model: string, said: Partial<ImageRequest>, known = catalogue) => {
  const result = fit({ request: asking(model, said), adjustments: [] }, known)
  return result.ok
    ? { request: result.value.request, notes: result.value.adjustments.map(({ note }) => note) }
    : { refused: result.failure.message }
}

const [GEMINI, SCHNELL] = ['gemini-3-pro-image', '@cf/black-forest-labs/flux-1-schnell']

describe('what a model gives no choice of is adapted, and told', () => {
  test.each<[string, Partial<ImageRequest>, string[], Partial<ImageRequest>]>([
    [GEMINI, { quality: 'high' }, ['quality=high>auto'], { quality: 'auto' }],
    [GEMINI, { quality: 'standard' }, ['quality=standard>auto'], { quality: 'auto' }],
    [GEMINI, { size: '1536x1024' }, ['size=1536x1024>1264x848'], { size: '1264x848' }],
    [SCHNELL, {}, ['output_format=png>jpeg'], { format: 'jpeg' }],
    [SCHNELL, { format: 'jpeg', compression: 50 }, ['output_compression'], { compression: 100 }],
    [GEMINI, {}, [], {}],
  ])('%s, %j: %j', (model, said, notes, sent) => {
    expect(fitted(model, said)).toEqual({ notes, request: asking(model, { ...said, ...sent }) })
  })
})

describe('what nothing can stand in for is refused', () => {
  const edit: Partial<ImageRequest> = { operation: 'edit', images: [PICTURE] }

  test.each<[string, Partial<ImageRequest>, RegExp]>([
    [SCHNELL, edit, /^This model takes no input images\.$/],
    ['@cf/black-forest-labs/flux-2-dev', { images: Array(5).fill(PICTURE) }, /takes at most 4 input images/],
    [GEMINI, { ...edit, mask: PICTURE }, /^Unknown parameter: 'mask'\.$/],
    [GEMINI, { format: 'webp' }, /^Invalid value: 'webp'/],
    [GEMINI, { background: 'transparent' }, /^Transparent background is not supported/],
    [GEMINI, { moderation: 'low' }, /^Invalid value: 'low'/],
    [GEMINI, { size: '3000x1000' }, /aspect ratio must be near/],
  ])('%s: %#', (model, said, message) => {
    expect(fitted(model, said)).toEqual({ refused: expect.stringMatching(message) })
  })
})

test('lists of the settings hold for what is said, and never refuse who says nothing', () => {
  const known = catalogueOf({
    art: { qualities: ['standard', 'hd'], backgrounds: ['opaque'], moderations: ['low'], formats: ['webp', 'jpeg'] },
  })
  expect(fitted('art', {}, known)).toMatchObject({ notes: ['output_format=png>webp'] })
  expect(fitted('art', { quality: 'hd', format: 'jpeg' }, known)).toMatchObject({ notes: [] })
  expect(fitted('art', { quality: 'low' }, known)).toMatchObject({ refused: expect.stringMatching(/Invalid value/) })
})
