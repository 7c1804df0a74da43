import { ratioNamed, type Shaped, shaped } from './ratios'
import type { Shape } from './sizes'

const LANDSCAPE: readonly Shape[] = [
  { ratio: '16:9', width: 1376, height: 768 },
  { ratio: '3:2', width: 1264, height: 848 },
  { ratio: '4:3', width: 1200, height: 896 },
  { ratio: '5:4', width: 1152, height: 928 },
]

/** Additional shapes of the Flash models. */
const BANNERS: readonly Shape[] = [
  { ratio: '4:1', width: 2048, height: 512 },
  { ratio: '8:1', width: 3072, height: 384 },
]

const turnedShape = ({ ratio, width, height }: Shape): Shape => ({
  ratio: ratio.split(':').toReversed().join(':'),
  width: height,
  height: width,
})

/**
 * The aspect ratios of every model, at 1K (protocols §3.2). 5:4 and ratios beyond 21:9 come from
 * ai.google.dev/gemini-api/docs/image-generation. The API has no 9:21.
 */
export const TEN_SHAPES: readonly Shape[] = [
  { ratio: '1:1', width: 1024, height: 1024 },
  { ratio: '21:9', width: 1584, height: 672 },
  ...LANDSCAPE,
  ...LANDSCAPE.map(turnedShape),
]

/** Every aspect ratio of the API. */
export const FOURTEEN_SHAPES: readonly Shape[] = [...TEN_SHAPES, ...BANNERS, ...BANNERS.map(turnedShape)]

/** Resolutions by the API's names, with a capital K, and their factors of the edges at 1K (protocols §3.2). */
const SCALES = { '512': 0.5, '1K': 1, '2K': 2, '4K': 4 } as const

/** A resolution by the API's name. */
export type GeminiResolution = keyof typeof SCALES
const GEMINI_RESOLUTIONS: readonly GeminiResolution[] = ['512', '1K', '2K', '4K']

/** The sizes of a model with these shapes and resolutions. Most models refuse 512 (protocols §3.1). */
export const geminiSizes = (
  shapes: readonly Shape[],
  resolutions: readonly GeminiResolution[] = ['1K', '2K', '4K'],
): Shaped =>
  shaped(
    shapes,
    resolutions.map((resolution) => SCALES[resolution]),
  )

const EVERY_SIZE = geminiSizes(FOURTEEN_SHAPES, GEMINI_RESOLUTIONS)

/** The aspect ratio and the resolution of a size. Undefined for `auto` and for sizes that no Gemini model makes. */
export function geminiShape(size: string): { ratio: string; resolution: GeminiResolution } | undefined {
  const named = ratioNamed(size, EVERY_SIZE)
  const resolution = GEMINI_RESOLUTIONS.find((each) => SCALES[each] === named?.scale)
  return named && resolution && { ratio: named.ratio, resolution }
}
