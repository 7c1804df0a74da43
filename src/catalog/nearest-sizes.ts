import type { SizeFault } from '../failures/refusal'
import { AREAS, type AskedResolution, isSameRatio, resolutionOf } from './shapes'
import {
  areaOf,
  MAX_SCALE,
  nearestTo,
  type Pixels,
  pixelsOf,
  ratioOf,
  type Shape,
  sizeText,
  timesApart,
  type Verdict,
} from './sizes'

/** The sizes of a model with a fixed set. */
interface SizeChoice {
  sizes: readonly Pixels[]
  /** The names of its aspect ratios, for messages. */
  ratios: readonly string[]
  /** The largest allowed factor between ratios. */
  maxStretch: number
}

/** The choice of a model with listed sizes. */
export function listedChoice(listed: readonly string[]): SizeChoice {
  const sizes = listed.map(pixelsOf).filter((size) => size !== undefined)
  // OpenAI's list has 1:1, 3:2 and 2:3. Clients of relays ask for 1200x627 (protocols §9.4), 1.28 times as long as 3:2.
  return { sizes, ratios: [...new Set(sizes.map(reduced))], maxStretch: 1.3 }
}

/** The choice of a model with many shapes. Neighbouring ratios are hardly more than a quarter apart. */
export function shapedChoice(shapes: readonly Shape[], scales: readonly number[]): SizeChoice {
  const sizes = scales.flatMap((scale) =>
    shapes.map(({ width, height }) => ({ width: width * scale, height: height * scale })),
  )
  return { sizes, ratios: shapes.map(({ ratio }) => ratio), maxStretch: 1.25 }
}

/** Fits a size in pixels to a choice. */
export function nearestSize(asked: Pixels, choice: SizeChoice): Verdict {
  const nearest = nearestTo(areaOf(asked), nearRatio(asked, choice), areaOf)
  if (!nearest) return { fault: farFrom(choice) }
  if (sizeText(nearest) === sizeText(asked)) return {}
  const fault = nearestIs(nearest)
  return Math.sqrt(timesApart(areaOf(nearest), areaOf(asked))) > MAX_SCALE ? { fault } : { fault, nearest }
}

/** Fits a shape to a choice. */
export function nearestShape(ratio: Pixels, resolution: AskedResolution, choice: SizeChoice): Verdict {
  const near = nearRatio(ratio, choice)
  const same = near.filter((size) => resolutionOf(size) === resolution)
  const nearest = nearestTo(AREAS[resolution], same.length > 0 ? same : near, areaOf)
  if (!nearest) return { fault: farFrom(choice) }
  if (!isSameRatio(ratioOf(nearest), ratioOf(ratio)))
    return { fault: { ...nearestIs(nearest), ratios: [...choice.ratios] }, nearest }
  return { fault: same.length > 0 ? undefined : nearestIs(nearest), nearest }
}

/** Whether a choice has no larger size of the same shape. */
export const isLargestOf = (size: Pixels, { sizes }: SizeChoice): boolean =>
  sizes.every((each) => areaOf(each) <= areaOf(size) || !isSameRatio(ratioOf(each), ratioOf(size)))

const nearestIs = (size: Pixels): Extract<SizeFault, { is: 'nearest' }> => ({ is: 'nearest', size: sizeText(size) })
const farFrom = ({ ratios }: SizeChoice): SizeFault => ({ is: 'ratio_not_near', ratios: [...ratios] })

/** The sizes of the nearest ratio. Empty if it is too far. */
function nearRatio(asked: Pixels, { sizes, maxStretch }: SizeChoice): readonly Pixels[] {
  const nearest = nearestTo(ratioOf(asked), sizes, ratioOf)
  if (!nearest || timesApart(ratioOf(asked), ratioOf(nearest)) > maxStretch) return []
  return sizes.filter((size) => isSameRatio(ratioOf(size), ratioOf(nearest)))
}

/** `3:2` for 1536x1024. */
function reduced({ width, height }: Pixels): string {
  let [divisor, rest] = [width, height]
  while (rest > 0) [divisor, rest] = [rest, divisor % rest]
  return `${width / divisor}:${height / divisor}`
}
