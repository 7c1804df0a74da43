import { type Pixels, pixelsOf, type Shape, type Sizes } from './sizes'

/** Sizes given as shapes and factors of their edges. */
export type Shaped = Extract<Sizes, { kind: 'shaped' }>

/** The pixels of a picture from an API that documents ratios only. */
const USUAL_AREA = 1024 * 1024

/** The ratios of Black Forest Labs' models and of many others. */
export const COMMON_RATIOS = ['1:1', '21:9', '16:9', '3:2', '4:3', '5:4', '4:5', '3:4', '2:3', '9:16', '9:21'] as const

/** Sizes for aspect ratios such as `16:9`, near an area, with edges that are multiples of `step`. */
export const shapesOf = (ratios: readonly string[], { area = USUAL_AREA, step = 16 } = {}): Shape[] =>
  ratios.map((ratio) => {
    const [across = 1, down = 1] = ratio.split(':').map(Number)
    const unit = Math.sqrt(area / (across * down))
    const edge = (share: number): number => Math.round((share * unit) / step) * step
    return { ratio, width: edge(across), height: edge(down) }
  })

/** The sizes of an API with aspect ratios, and the factors of its resolutions. */
export const shaped = (shapes: readonly Shape[], scales: readonly number[] = [1]): Shaped => ({
  kind: 'shaped',
  shapes,
  scales,
})

/** The API's name of a size's ratio, and its scale. Undefined for `auto` and for any other size. */
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
