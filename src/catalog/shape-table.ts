import { AREAS, type AskedResolution } from './shapes'
import { elongationOf, type Pixels, pixelsOf, turnedLike } from './sizes'

/** The multiple for edges, in pixels (protocols §1.2). */
export const STEP = 16

/** The usual landscape sizes of gpt-image-2, as a relay lists them for its clients (protocols §9.5). */
const USUAL_SIZES: readonly { ratio: Pixels; sizes: Readonly<Record<Exclude<AskedResolution, '512'>, string>> }[] = [
  { ratio: { width: 1, height: 1 }, sizes: { '1K': '1024x1024', '2K': '2048x2048', '4K': '2880x2880' } },
  { ratio: { width: 5, height: 4 }, sizes: { '1K': '1040x832', '2K': '2080x1664', '4K': '3200x2560' } },
  { ratio: { width: 4, height: 3 }, sizes: { '1K': '1024x768', '2K': '2048x1536', '4K': '3264x2448' } },
  { ratio: { width: 3, height: 2 }, sizes: { '1K': '1008x672', '2K': '2064x1376', '4K': '3504x2336' } },
  { ratio: { width: 16, height: 9 }, sizes: { '1K': '1280x720', '2K': '2048x1152', '4K': '3840x2160' } },
  { ratio: { width: 21, height: 9 }, sizes: { '1K': '1344x576', '2K': '2016x864', '4K': '3808x1632' } },
]

/** The ratios of the table and their portrait forms. */
export const USUAL_RATIOS: readonly string[] = USUAL_SIZES.flatMap(({ ratio: { width, height } }) =>
  width === height ? ['1:1'] : [`${width}:${height}`, `${height}:${width}`],
)

/** The usual size of a shape, from 1K on. Undefined for an unusual ratio. */
export function usualSize(ratio: Pixels, resolution: AskedResolution): Pixels | undefined {
  const row = USUAL_SIZES.find((each) => elongationOf(each.ratio) === elongationOf(ratio))
  const pixels = row && resolution !== '512' ? pixelsOf(row.sizes[resolution]) : undefined
  return pixels && turnedLike(ratio, pixels)
}

export const nearestStep = (edge: number): number => Math.round(edge / STEP) * STEP

export const lastStep = (edge: number): number => Math.floor(edge / STEP) * STEP

export const nextStep = (edge: number): number => Math.ceil(edge / STEP) * STEP

/** A size with a ratio and a shorter edge. */
export const extended = (ratio: Pixels, short: number): Pixels =>
  turnedLike(ratio, { width: nearestStep(short * elongationOf(ratio)), height: short })

/** The usual size of a shape, or one near it with rounded edges of about `longest` at most. */
export function sizeNear(ratio: Pixels, resolution: AskedResolution, longest = Infinity): Pixels {
  const elongation = elongationOf(ratio)
  const short = Math.min(Math.sqrt(AREAS[resolution] / elongation), longest / elongation)
  return usualSize(ratio, resolution) ?? extended(ratio, nearestStep(short))
}
