import { type Pixels, pixelsOf, type Shape, type Sizes } from './sizes'

/** Sizes that are shapes, and what their edges may be multiplied by. */
export type Shaped = Extract<Sizes, { kind: 'shaped' }>

/** How many pixels a picture has where an API counts in ratios and does not say. */
const USUAL_AREA = 1024 * 1024

/** Those of Black Forest Labs' models, and of many others. */
export const COMMON_RATIOS = ['1:1', '21:9', '16:9', '3:2', '4:3', '5:4', '4:5', '3:4', '2:3', '9:16', '9:21'] as const

/** Aspect ratios, such as `16:9`, as the sizes nearest to an area whose edges are multiples of `step`. */
export const shapesOf = (ratios: readonly string[], { area = USUAL_AREA, step = 16 } = {}): Shape[] =>
  ratios.map((ratio) => {
    const [across = 1, down = 1] = ratio.split(':').map(Number)
    const unit = Math.sqrt(area / (across * down))
    const edge = (share: number): number => Math.round((share * unit) / step) * step
    return { ratio, width: edge(across), height: edge(down) }
  })

/** The sizes of an API that takes aspect ratios, and where it has several resolutions, what those multiply the edges by. */
export const shaped = (shapes: readonly Shape[], scales: readonly number[] = [1]): Shaped => ({
  kind: 'shaped',
  shapes,
  scales,
})

/** The aspect ratio, by its API's name, and the scale that make a size; undefined for `auto` and for any other size. */
export function ratioNamed(size: string, { shapes, scales }: Shaped): { ratio: string; scale: number } | undefined {
  const pixels = pixelsOf(size)
  if (!pixels) return undefined
  const is = ({ width, height }: Pixels, scale: number): boolean =>
    width * scale === pixels.width && height * scale === pixels.height
  for (const scale of scales) {
    const shape = shapes.find((each) => is(each, scale))
    if (shape) return { ratio: shape.ratio, scale }
  }
  return undefined
}
