import type { SizeFault } from '../failures/refusal'
import { sizeNear } from './shape-table'
import type { AskedResolution } from './shapes'
import { elongationOf, type Pixels, turnedLike, type Verdict } from './sizes'

/** The limits of an edge, in pixels. */
interface EdgeRange {
  min: number
  max: number
}

const fits = ({ width, height }: Pixels, { min, max }: EdgeRange): boolean =>
  Math.min(width, height) >= min && Math.max(width, height) <= max

const rangeFault = ({ min, max }: EdgeRange): SizeFault => ({ is: 'edges_out_of_range', min, max })

/** Fits a size in pixels to a range, scaled in proportion. */
export function fitRangeSize({ width, height }: Pixels, range: EdgeRange): Verdict {
  if (fits({ width, height }, range)) return {}
  const longest = Math.max(width, height)
  const factor = longest > range.max ? range.max / longest : range.min / Math.min(width, height)
  const nearest = { width: Math.round(width * factor), height: Math.round(height * factor) }
  return { fault: rangeFault(range), nearest: fits(nearest, range) ? nearest : undefined }
}

/** Fits a shape to a range, as near to its resolution as possible. */
export function fitRangeShape(ratio: Pixels, resolution: AskedResolution, range: EdgeRange): Verdict {
  const [elongation, most] = [elongationOf(ratio), range.max / range.min]
  if (elongation > most) return { fault: { is: 'ratio_out_of_range', max: most } }
  const size = sizeNear(ratio, resolution)
  if (fits(size, range)) return { nearest: size }
  const long = Math.max(size.width, size.height) > range.max ? range.max : Math.round(range.min * elongation)
  const nearest = turnedLike(ratio, { width: long, height: Math.round(long / elongation) })
  return { fault: rangeFault(range), nearest }
}
