import { areaOf, nearestTo, type Pixels, timesApart } from './sizes'

/** An aspect ratio, a resolution, or both: the sizes of wire formats without pixels. */
export interface AskedShape {
  /** Such as `16:9`. */
  ratio: string | undefined
  /** `512`, `1K`, `2K` or `4K`. */
  resolution: string | undefined
}

const ASKED_RESOLUTIONS = ['512', '1K', '2K', '4K'] as const
export type AskedResolution = (typeof ASKED_RESOLUTIONS)[number]

/** The pixels of each resolution at any ratio. 4K is the limit of gpt-image-2. */
export const AREAS: Readonly<Record<AskedResolution, number>> = {
  '512': 512 * 512,
  '1K': 1024 * 1024,
  '2K': 2048 * 2048,
  '4K': 3840 * 2160,
}

const RATIO = '([1-9]\\d{0,2}:[1-9]\\d{0,2})'
const RESOLUTION = `(${ASKED_RESOLUTIONS.join('|')})`
const SHAPE = new RegExp(`^(?:${RATIO}(?: ${RESOLUTION})?|${RESOLUTION})$`)

/** A shape in the size of a request before fitting: `16:9`, `2K` or `16:9 2K`. `auto` for none. */
export const shapeText = ({ ratio, resolution }: AskedShape): string =>
  [ratio === 'auto' ? undefined : ratio, resolution].filter(Boolean).join(' ') || 'auto'

/**
 * Parses a shape in a request's size. Undefined for `auto` and for pixels. Without a resolution it is 1K in every wire
 * format.
 */
export function parseShape(size: string): { ratio: Pixels | undefined; resolution: AskedResolution } | undefined {
  const [all, ratio, after, alone] = SHAPE.exec(size) ?? []
  if (!all) return undefined
  const resolution = ASKED_RESOLUTIONS.find((each) => each === (after ?? alone)) ?? '1K'
  const [width, height] = ratio?.split(':').map(Number) ?? []
  return { ratio: width && height ? { width, height } : undefined, resolution }
}

/** The nearest resolution of a size. */
export const resolutionOf = (pixels: Pixels): AskedResolution =>
  nearestTo(areaOf(pixels), ASKED_RESOLUTIONS, (resolution) => AREAS[resolution]) ?? '1K'

/** The largest factor between equal ratios. Edges are rounded: Gemini's 16:9 is 1376x768. */
const TOLERANCE = 1.02

export const isSameRatio = (a: number, b: number): boolean => timesApart(a, b) <= TOLERANCE
