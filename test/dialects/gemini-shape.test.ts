import { expect, test } from 'vitest'
import { readFields } from '../../src/dialects/gemini/fields'

const contents = [{ parts: [{ text: 'A cat' }] }]
const asked = (image: object): unknown =>
  readFields({ contents, generationConfig: { responseFormat: { image } } }).fields.generationConfig?.responseFormat?.[0]

test.each([
  ['ASPECT_RATIO_ONE_BY_ONE', '1:1'],
  ['ASPECT_RATIO_TWO_BY_THREE', '2:3'],
  ['ASPECT_RATIO_FIVE_BY_FOUR', '5:4'],
  ['ASPECT_RATIO_NINE_BY_SIXTEEN', '9:16'],
  ['ASPECT_RATIO_TWENTY_ONE_BY_NINE', '21:9'],
  ['ASPECT_RATIO_ONE_BY_EIGHT', '1:8'],
  ['4:3', '4:3'],
])('the aspect ratio %s is %s', (aspectRatio, ratio) => {
  expect(asked({ aspectRatio })).toEqual({ image: { aspectRatio: ratio } })
})

test.each([
  ['IMAGE_SIZE_FIVE_TWELVE', '512'],
  ['IMAGE_SIZE_ONE_K', '1K'],
  ['IMAGE_SIZE_TWO_K', '2K'],
  ['IMAGE_SIZE_FOUR_K', '4K'],
  ['512', '512'],
])('the size %s is %s', (imageSize, size) => {
  expect(asked({ image_size: imageSize })).toEqual({ image: { imageSize: size } })
})

test.each(['ASPECT_RATIO_UNSPECIFIED', 'ASPECT_RATIO_SEVEN_BY_FIVE', '1024x1024', '16/9'])(
  '%s is no aspect ratio',
  (aspectRatio) => {
    expect(() => asked({ aspectRatio })).toThrow('Use a ratio such as 16:9.')
  },
)
