import { describe, expect, test } from 'vitest'
import { fit } from '../../src/catalog/fit'
import { failureInWords } from '../../src/failures/words'
import { catalogueOf } from '../../src/upstreams/catalogue'
import { quote } from '../../src/catalog/quote'
import { fingerprint, type ImageRequest } from '../../src/image/request'
import { asking, catalogue, PICTURE } from './requests'

const fitted = (model: string, said: Partial<ImageRequest>, known = catalogue) => {
  const result = fit({ request: asking(model, said), adjustments: [] }, known(model), AS_MADE)
  return result.ok
    ? { request: result.value.request, notes: result.value.adjustments.map(({ note }) => note) }
    : { refused: failureInWords(result.failure).message }
}

/** No cropping is available. */
const AS_MADE = { canCrop: false }

const [GEMINI, SCHNELL] = ['gemini-3-pro-image', '@cf/black-forest-labs/flux-1-schnell']

describe('a parameter that the model ignores is adapted and noted', () => {
  test.each<[string, Partial<ImageRequest>, string[], Partial<ImageRequest>]>([
    [GEMINI, { quality: 'high' }, ['quality=high>auto'], { quality: 'auto' }],
    [GEMINI, { quality: 'standard' }, ['quality=standard>auto'], { quality: 'auto' }],
    [GEMINI, { size: '1536x1024' }, ['size=1536x1024>1264x848'], { size: '1264x848' }],
    [SCHNELL, {}, ['output_format=png>jpeg'], { format: 'jpeg' }],
    [SCHNELL, { format: 'jpeg', compression: 50 }, ['output_compression'], { compression: 100 }],
    [GEMINI, {}, [], {}],
    [GEMINI, { size: '16:9 2K' }, [], { size: '2752x1536' }],
    [GEMINI, { size: '16:9 512' }, ['size=16:9 512>1376x768'], { size: '1376x768' }],
    ['gpt-image-2', { size: '1K' }, [], { size: 'auto' }],
    ['gpt-image-1.5', { size: '9:16 4K' }, ['size=9:16 4K>1024x1536'], { size: '1024x1536' }],
  ])('%s, %j: %j', (model, said, notes, sent) => {
    expect(fitted(model, said)).toEqual({ notes, request: asking(model, { ...said, ...sent }) })
  })
})

describe('a parameter without a substitute is refused', () => {
  const edit: Partial<ImageRequest> = { operation: 'edit', images: [PICTURE] }

  test.each<[string, Partial<ImageRequest>, RegExp]>([
    [SCHNELL, edit, /^This model takes no input images\.$/],
    ['@cf/black-forest-labs/flux-2-dev', { images: Array(5).fill(PICTURE) }, /takes at most 4 input images/],
    [GEMINI, { ...edit, mask: PICTURE }, /^Unknown parameter: 'mask'\.$/],
    [GEMINI, { format: 'webp' }, /^Invalid value: 'webp'/],
    [GEMINI, { background: 'transparent' }, /^Transparent background is not supported/],
    [SCHNELL, { moderation: 'low' }, /^Invalid value: 'low'/],
    [GEMINI, { size: '3000x1000' }, /aspect ratio must be near/],
    [GEMINI, { size: '1:4' }, /^Invalid size '1:4'\. The aspect ratio must be near one of 1:1, 21:9/],
    ['gpt-image-2', { size: '1:4' }, /^Invalid size '1:4'\. The aspect ratio must be from 1:3 to 3:1\.$/],
  ])('%s: %#', (model, said, message) => {
    expect(fitted(model, said)).toEqual({ refused: expect.stringMatching(message) })
  })
})

test('lists of the settings bind given values and adapt defaults', () => {
  const known = catalogueOf({
    art: { qualities: ['standard', 'hd'], backgrounds: ['opaque'], moderations: ['low'], formats: ['webp', 'jpeg'] },
  })
  expect(fitted('art', {}, known)).toMatchObject({ notes: ['output_format=png>webp'] })
  expect(fitted('art', { quality: 'hd', format: 'jpeg' }, known)).toMatchObject({ notes: [] })
  expect(fitted('art', { quality: 'low' }, known)).toMatchObject({ refused: expect.stringMatching(/Invalid value/) })
})

describe('equal sizes make equal requests, in any spelling', () => {
  const asked = (model: string, size: string): string => {
    const result = fit({ request: asking(model, { size }), adjustments: [] }, catalogue(model), AS_MADE)
    return result.ok ? fingerprint(result.value.request, 'shared') : failureInWords(result.failure).message
  }

  test.each([
    ['gpt-image-2', ['1280x720', '16:9', '16:9 1K', '32:18', '1280x721']],
    ['gpt-image-2', ['2048x2048', '1:1 2K', '2K']],
    ['gpt-image-1.5', ['1024x1536', '2:3', '2:3 1K', '9:16 2K', '1080x1920']],
    [GEMINI, ['2752x1536', '16:9 2K', '2560x1440']],
    [GEMINI, ['auto', '1K', '512']],
  ])('%s: %j', (model, sizes) => {
    expect(new Set(sizes.map((size) => asked(model, size)))).toEqual(new Set([asked(model, sizes[0] ?? '')]))
  })

  test('different sizes make different requests', () => {
    const sizes = ['16:9', '9:16', '16:9 2K', '16:10', '1:1', 'auto']
    expect(new Set(sizes.map((size) => asked('gpt-image-2', size))).size).toBe(sizes.length)
  })
})

test.each([
  ['gpt-image-2', '16:9 4K', '3840x2160'],
  [GEMINI, '8:9 4K', '4096x4096'],
  ['gpt-image-1.5', '16:9', '1536x1024'],
  ['@cf/black-forest-labs/flux-2-dev', '1:1 4K', '1920x1920'],
])('%s at %s is quoted as the size that is made, %s', (model, size, pixels) => {
  const result = fit({ request: asking(model, { size }), adjustments: [] }, catalogue(model), AS_MADE)
  const quoted = result.ok ? quote(result.value.request, catalogue(model)) : undefined
  expect(quoted).toBeGreaterThan(0)
  expect(quoted).toBe(quote(asking(model, { size: pixels }), catalogue(model)))
})
