import { pixelsOf, type Shape, type Sizes } from './sizes'

const LANDSCAPE: readonly Shape[] = [
  { ratio: '16:9', width: 1376, height: 768 },
  { ratio: '3:2', width: 1264, height: 848 },
  { ratio: '4:3', width: 1200, height: 896 },
]

const turned = ({ ratio, width, height }: Shape): Shape => ({
  ratio: ratio.split(':').toReversed().join(':'),
  width: height,
  height: width,
})

/** Every aspect ratio whose pixels are known, at 1K (protocols §3.2). The API has no 9:21 for the other way round. */
const SHAPES: readonly Shape[] = [
  { ratio: '1:1', width: 1024, height: 1024 },
  { ratio: '21:9', width: 1584, height: 672 },
  ...LANDSCAPE,
  ...LANDSCAPE.map(turned),
]

/** Resolutions by the API's names (the K is a capital), and what they multiply the edges at 1K by (protocols §3.2). */
const SCALES = { '1K': 1, '2K': 2, '4K': 4 } as const

/** How large a picture is, as the API asks for it. */
export type Resolution = keyof typeof SCALES
const RESOLUTIONS: readonly Resolution[] = ['1K', '2K', '4K']

/** The sizes of a model that has these resolutions. */
export const geminiSizes = (resolutions: readonly Resolution[] = RESOLUTIONS): Sizes => ({
  kind: 'shaped',
  shapes: SHAPES,
  scales: resolutions.map((resolution) => SCALES[resolution]),
})

/** Aspect ratio and resolution that make a size; undefined for `auto` and for sizes that no Gemini model makes. */
export function geminiShape(size: string): { ratio: string; resolution: Resolution } | undefined {
  const pixels = pixelsOf(size)
  if (!pixels) return undefined
  for (const resolution of RESOLUTIONS) {
    const scale = SCALES[resolution]
    const shape = SHAPES.find(({ width, height }) => width * scale === pixels.width && height * scale === pixels.height)
    if (shape) return { ratio: shape.ratio, resolution }
  }
  return undefined
}
