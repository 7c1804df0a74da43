import * as z from 'zod'

/** The numbers of an aspect ratio in the API's enums. */
const ENUM_NUMBERS: Readonly<Record<string, number>> = {
  ONE: 1,
  TWO: 2,
  THREE: 3,
  FOUR: 4,
  FIVE: 5,
  EIGHT: 8,
  NINE: 9,
  SIXTEEN: 16,
  TWENTY_ONE: 21,
}

const ENUM_RESOLUTIONS: ReadonlyMap<unknown, string> = new Map([
  ['IMAGE_SIZE_FIVE_TWELVE', '512'],
  ['IMAGE_SIZE_ONE_K', '1K'],
  ['IMAGE_SIZE_TWO_K', '2K'],
  ['IMAGE_SIZE_FOUR_K', '4K'],
])

/** The model limits the ratios. */
const ratioText = z.string().regex(/^\d{1,3}:\d{1,3}$/, 'Use a ratio such as 16:9.')

/** `16:9`, or `ASPECT_RATIO_SIXTEEN_BY_NINE` from the enums of the SDK. */
export const aspectRatio = z.preprocess((given) => {
  const [, across, down] = typeof given === 'string' ? (/^ASPECT_RATIO_(\w+)_BY_(\w+)$/.exec(given) ?? []) : []
  return across && down ? `${ENUM_NUMBERS[across]}:${ENUM_NUMBERS[down]}` : given
}, ratioText.nullish())

/** `2K` with a capital K (protocols §3.2), or `IMAGE_SIZE_TWO_K`. */
export const imageSize = z.preprocess(
  (given) => ENUM_RESOLUTIONS.get(given) ?? given,
  z.enum(['512', '1K', '2K', '4K']).nullish(),
)
